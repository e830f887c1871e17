import { expect, onTestFinished, test, vi } from 'vitest'
import { batchOrAlone } from './batch-or-alone.ts'

/** Doubles numbers, and records the batches. @param alone - The numbers that a batch leaves out. */
function doubling(most: number, alone: readonly number[] = []) {
  const sent: (number | readonly number[])[] = []
  const double = batchOrAlone(
    most,
    async (n: number) => (sent.push(n), 2 * n),
    async (numbers) => {
      sent.push(numbers)
      return numbers.map((n) => (alone.includes(n) ? undefined : 2 * n))
    },
  )
  return { double, sent }
}

test('calls of one turn of the event loop form a batch, each gets its own answer, and a single call in its turn runs alone', async () => {
  const { double, sent } = doubling(10)
  const before = [double(1), double(2)]
  await Promise.resolve()
  expect(await Promise.all([...before, double(3)])).toEqual([2, 4, 6])
  expect(await double(4)).toBe(8)
  expect(sent).toEqual([[1, 2, 3], 4])
})

test('a full batch is sent before the end of the turn', async () => {
  const { double, sent } = doubling(2)
  const asked = [double(1), double(2), double(3)]
  expect(sent).toEqual([[1, 2]])
  expect(await Promise.all(asked)).toEqual([2, 4, 6])
  expect(sent).toEqual([[1, 2], 3])
})

test('an item that a batch left unanswered runs alone', async () => {
  const { double, sent } = doubling(10, [2])
  expect(await Promise.all([double(1), double(2)])).toEqual([2, 4])
  expect(sent).toEqual([[1, 2], 2])
})

test('if a batch returns undefined, all its items run alone; if it rejects, all its calls reject; later calls still work', async () => {
  const answers = [async () => undefined, () => Promise.reject(new Error('no answer')), async () => [1, 2]]
  const ask = batchOrAlone(
    10,
    async (n: number) => n,
    () => answers.shift()!(),
  )
  expect(await Promise.all([ask(10), ask(20)])).toEqual([10, 20])
  const outcomes = await Promise.allSettled([ask(10), ask(20)])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await Promise.all([ask(10), ask(20)])).toEqual([1, 2])
})

test('fake timers of a test do not delay a batch', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { double } = doubling(10)
  expect(await Promise.all([double(1), double(2)])).toEqual([2, 4])
})
