import { expect, onTestFinished, test, vi } from 'vitest'
import { batch } from './batch.ts'

const same = <T>(answer: T): T => answer

/** Doubles numbers, and remembers how they came. */
function doubling(most: number): { readonly double: (n: number) => Promise<number>; readonly batches: number[][] } {
  const batches: number[][] = []
  const ask = batch(most, async (numbers: number[]) => {
    batches.push(numbers)
    return numbers.map((n) => 2 * n)
  })
  return { double: (n) => ask(n, same), batches }
}

test('calls of one turn of the event loop are sent as one batch, and each gets its own answer', async () => {
  const { double, batches } = doubling(10)
  const before = [double(1), double(2)]
  await Promise.resolve()
  expect(await Promise.all([...before, double(3)])).toEqual([2, 4, 6])
  expect(await double(4)).toBe(8)
  expect(batches).toEqual([[1, 2, 3], [4]])
})

test('a full batch is sent before the end of the turn', async () => {
  const { double, batches } = doubling(2)
  const asked = [double(1), double(2), double(3)]
  expect(batches).toEqual([[1, 2]])
  expect(await Promise.all(asked)).toEqual([2, 4, 6])
  expect(batches).toEqual([[1, 2], [3]])
})

test('with a batch size of 1 each call is sent alone, at once', async () => {
  const { double, batches } = doubling(1)
  const asked = [double(1), double(2)]
  expect(batches).toEqual([[1], [2]])
  expect(await Promise.all(asked)).toEqual([2, 4])
})

test('a batch that rejects rejects all its calls; later calls still work', async () => {
  let fails = true
  const ask = batch(10, (numbers: number[]) =>
    fails ? Promise.reject(new Error('no answer')) : Promise.resolve(numbers),
  )
  const outcomes = await Promise.allSettled([ask(1, same), ask(2, same)])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await ask(3, same)).toBe(3)
})

test('an error while an answer is read rejects only its own call', async () => {
  const ask = batch(10, async (numbers: number[]) => numbers)
  const refused = ask(1, () => {
    throw new Error('refused')
  })
  const fine = ask(2, same)
  await expect(refused).rejects.toThrow('refused')
  expect(await fine).toBe(2)
})

test('fake timers of a test do not delay a batch', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  expect(await doubling(10).double(1)).toBe(2)
})
