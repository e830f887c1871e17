import { expect, test } from 'vitest'
import { apart, offsetOf, overlap } from './pace.ts'

test('offsets spread over the whole window for any number of trials', () => {
  for (const trials of [10, 100, 333]) {
    const offsets = Array.from({ length: trials }, (_, trial) => offsetOf(trial, [-2, 8])).toSorted((a, b) => a - b)
    const gaps = [-2, ...offsets].map((offset, index) => (offsets[index] ?? 8) - offset)
    expect(offsets[0]).toBeGreaterThanOrEqual(-2)
    expect(offsets.at(-1)).toBeLessThan(8)
    expect(Math.max(...gaps)).toBeLessThan((10 / trials) * 2)
  }
})

test('the later request starts after the offset, not before', async () => {
  const now = async (): Promise<number> => performance.now()
  for (const offset of [-6, -0.4, 0, 0.4, 6]) {
    const [first, second] = await apart(offset, now, now)
    if (offset < 0) expect(first - second).toBeGreaterThanOrEqual(-offset)
    else expect(second - first).toBeGreaterThanOrEqual(offset)
  }
})

test('both requests are started, even if the earlier request fails', async () => {
  for (const offset of [-3, 0, 3]) {
    const order: string[] = []
    const start = (name: string) => async (): Promise<void> => {
      order.push(name)
      if (order.length === 1) throw new Error(name)
    }
    const names = offset < 0 ? ['second', 'first'] : ['first', 'second']
    await expect(apart(offset, start('first'), start('second'))).rejects.toThrow(names[0]!)
    expect(order).toEqual(names)
  }
})

test('time spans that only touch do not overlap', () => {
  expect(overlap({ startedAt: 0, endedAt: 2 }, { startedAt: 1, endedAt: 3 })).toBe(true)
  expect(overlap({ startedAt: 0, endedAt: 9 }, { startedAt: 1, endedAt: 3 })).toBe(true)
  expect(overlap({ startedAt: 0, endedAt: 1 }, { startedAt: 1, endedAt: 3 })).toBe(false)
})
