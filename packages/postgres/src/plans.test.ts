import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newSchema } from '../test/harness.ts'
import { minuteOf } from './row.ts'
import { statementsOf, type Statements } from './statements.ts'

const TAG = 'abcdefghijkl'
const ROWS = 3000
const PAGE = 100
const now = Date.now()
const later = now + 900_000
const idOf = (row: number): string => String(row).padStart(16, '0')

let admin: Pool
let table: string
beforeAll(async () => {
  let schema: string
  ;({ schema, admin } = await newSchema())
  table = `${schema}.sess_sessions`
  // Of the rows 1000 belong to one subject, and the last thousand have expired.
  await admin.query(
    `INSERT INTO ${table} SELECT '', CASE WHEN n < 1000 THEN $1 ELSE $1 || n % 20 END, lpad(n::text, 16, '0'), 1,
      CASE WHEN n < ${ROWS - 1000} THEN $2::float8 ELSE $3 END, CASE WHEN n < ${ROWS - 1000} THEN $4::int8 ELSE $5 END,
      CASE WHEN n < 1000 THEN 'ann'::bytea END, 'payload' FROM generate_series(0, ${ROWS - 1}) AS n`,
    [TAG, later, now - 900_000, minuteOf(later), minuteOf(now - 900_000)],
  )
})
afterAll(() => admin.end())

interface Plan {
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly Plan[]
}

/** How many rows PostgreSQL read in vain. */
const readInVain = (plan: Plan): number =>
  plan['Actual Loops'] *
    ((plan['Rows Removed by Filter'] ?? 0) +
      (plan['Rows Removed by Index Recheck'] ?? 0) +
      (plan['Rows Removed by Join Filter'] ?? 0)) +
  (plan.Plans ?? []).reduce((sum, each) => sum + readInVain(each), 0)

// Not for `all` and `count`: PostgreSQL may sort the rest of a table that is small, or of which it expects a few rows.
test.each<[name: keyof Statements, values: readonly unknown[]]>([
  ['read', [TAG, idOf(500)]],
  ['reads', [Array(PAGE).fill(TAG), Array.from({ length: PAGE }, (_, i) => idOf(i))]],
  ['replace', [TAG, idOf(500), now, 1, 2, later, minuteOf(later), Buffer.from('next')]],
  ['touch', [TAG, idOf(500), now, 1, later, minuteOf(later)]],
  ['delete', [TAG, idOf(500), now]],
  ['list', [TAG, idOf(700), Buffer.from('ann'), now, PAGE]],
  ['deleteSubject', [TAG, idOf(700), Buffer.from('ann'), idOf(750), PAGE, now]],
  ['sweep', [minuteOf(now), now, PAGE]],
])('%s reads no rows in vain, though the planner has no statistics of the table', async (name, values) => {
  const client = await admin.connect()
  await client.query('BEGIN')
  const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statementsOf(table)[name]}`,
    ['', ...values],
  )
  await client.query('ROLLBACK')
  client.release()
  // The record that a revocation spares is one, and counts in both of its statements.
  expect(readInVain(rows[0]!['QUERY PLAN'][0].Plan)).toBeLessThanOrEqual(2)
})
