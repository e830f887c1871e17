import { expect, test } from 'vitest'
import { PageSize, sum } from './pages.ts'

test('a page grows while it takes less than 5 ms, and shrinks when it takes longer', () => {
  const pages = new PageSize(100)
  const sizes: number[] = []
  for (const [ms, share] of [
    [1, 1],
    [4, 1],
    [20, 1],
    [1, 0.5],
    [1e9, 1],
    [0, 1],
  ] as const) {
    pages.took(ms, pages.size * share)
    sizes.push(pages.size)
  }
  expect(sizes).toEqual([200, 250, 62, 62, 8, 16])
})

test('sum adds up the pages; if a page has no number, the sum has none', async () => {
  expect(
    await sum(
      (async function* () {
        yield* [1, 2, 0, 4]
      })(),
    ),
  ).toBe(7)
  expect(
    await sum(
      (async function* () {
        yield* [1, undefined, 4]
      })(),
    ),
  ).toBeUndefined()
})
