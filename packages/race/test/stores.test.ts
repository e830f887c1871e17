import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printedBy } from './printed-table.ts'

const TRIALS = 4

const wanted = process.env['SESS_STORES']?.split(',').map((name) => name.trim())
const stores = ['sqlite', 'memcached'].filter((store) => wanted?.includes(store) ?? true)

test.concurrent.for(stores)('races against two processes on %s find nothing', { timeout: 1_200_000 }, async (store) => {
  const { cells, code, errors } = await printedBy('stores.ts', ['--trials', String(TRIALS), '--store', store])
  expect([code, errors]).toEqual([0, expect.stringMatching(new RegExp(`^${store}: \\d+ s\n$`))])
  expect([...cells.keys()]).toEqual([store])
  expect(Object.values(cells.get(store)!).slice(0, 8)).toEqual(Array.from({ length: 8 }, () => `0 of ${TRIALS}`))
})

test.concurrent('races find a store that overwrites without a comparison', { timeout: 1_200_000 }, async () => {
  const harness = join(import.meta.dirname, 'overwriting-harness.ts')
  // Long enough for both requests to have loaded before one of them saves, on a busy machine, too.
  const env = { WORK_MS: '100' }
  const { cells, code, errors } = await printedBy('stores.ts', ['--trials', String(TRIALS), '--store', harness], env)
  expect(code).toBe(1)
  expect(errors).toMatch(/^overwriting: an acknowledged write is not there: [1-4] of 4$/m)
  expect(cells.get('overwriting')!['a write lost']).toMatch(/^[1-4] of 4$/)
})
