import { expect, test } from 'vitest'
import { printedBy } from './printed-table.ts'

const TRIALS = 4
const BINDINGS = ['@sess/express', '@sess/fastify', '@sess/hono', '@sess/koa', 'withSession']

test('races against two processes of an app of each binding find nothing', { timeout: 1_200_000 }, async () => {
  const { cells, code, errors } = await printedBy('bindings.ts', ['--trials', String(TRIALS), '--store', 'sqlite'])
  expect([code, errors]).toEqual([0, expect.stringMatching(/^(?:[@\w/]+: \d+ s\n){5}$/)])
  expect([...cells.keys()]).toEqual(BINDINGS)
  for (const name of BINDINGS)
    expect(Object.values(cells.get(name)!).slice(0, 8)).toEqual(Array.from({ length: 8 }, () => `0 of ${TRIALS}`))
})
