import { cases, runSuite } from '@sess/conformance'
import { startPgbouncer } from '@sess/test-servers'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newSchema, server } from '../test/harness.ts'
import { harness } from '../test/pgbouncer-harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { use } from '../test/use.ts'
import { migrate, postgresStore } from './index.ts'

/** The clauses in which several clients work on one record: there a need for a session of its own, or for many connections, shows. */
const MAIN = ['identity', 'round-trip', 'clock', 'races', 'subjects', 'life-cycle']

let admin: Pool
let schema: string
beforeAll(async () => {
  ;({ schema, admin } = await newSchema())
})
afterAll(() => admin.end())

test('the store conforms behind PgBouncer in transaction mode with fewer server connections than clients', async () => {
  const only = cases.filter(({ clause, subject }) => subject === 'store' && MAIN.includes(clause)).map(({ id }) => id)
  const { verdict, cases: ran } = await runSuite(harness, { only, effort: 0.1 })
  expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
  expect(ran).toHaveLength(only.length)
  expect(verdict).toBe('pass')
})

test('behind PgBouncer migrate and every method work, and leave no prepared statement and no lock', async () => {
  await using bouncer = await startPgbouncer(await server(), { default_pool_size: '2' })
  const pool = poolOf({ port: bouncer.port })
  onTestFinished(() => pool.end())
  await Promise.all(Array.from({ length: 4 }, () => migrate(pool, { schema: 'bounced' })))
  await Promise.all(Array.from({ length: 4 }, () => use(postgresStore(pool, { schema: 'bounced' }))))
  for (let i = 0; i < 4; i++) {
    const { rows } = await pool.query('SELECT name FROM pg_prepared_statements')
    expect(rows).toEqual([])
  }
  const { rows } = await admin.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory'`)
  expect(rows).toEqual([])
})

test('a statement for which PgBouncer has no server connection was not applied', async () => {
  await using bouncer = await startPgbouncer(await server(), { default_pool_size: '1', query_wait_timeout: '1' })
  const pool = poolOf({ port: bouncer.port })
  onTestFinished(() => pool.end())
  const store = postgresStore(pool, { schema })
  const key = keyOf()
  const holder = await pool.connect()
  await holder.query('BEGIN')
  const error = { code: 'store_unavailable', cause: { message: 'query_wait_timeout' } }
  await expect(store.create(key, record, now)).rejects.toMatchObject(error)
  await holder.query('ROLLBACK')
  holder.release()
  expect(await store.create(key, record, now)).toBe(true)
})

test('prepare: true does not work behind PgBouncer, and the error says so', async () => {
  await using bouncer = await startPgbouncer(await server(), { default_pool_size: '2' })
  const pool = poolOf({ port: bouncer.port })
  onTestFinished(() => pool.end())
  const store = postgresStore(pool, { schema, prepare: true })
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => store.create(keyOf(), record, now)))
  const codes = answers.flatMap((each) => (each.status === 'rejected' ? [(each.reason as { code: string }).code] : []))
  expect(new Set(codes)).toEqual(new Set(['configuration']))
})

test('for an option that PgBouncer does not pass on the error says so: set statement_timeout on the role', async () => {
  await using bouncer = await startPgbouncer(await server())
  const pool = poolOf({ port: bouncer.port, statement_timeout: 5000 })
  onTestFinished(() => pool.end())
  const error = {
    code: 'store_unavailable',
    cause: { message: expect.stringContaining('statement_timeout') as unknown },
  }
  await expect(postgresStore(pool, { schema }).create(keyOf(), record, now)).rejects.toMatchObject(error)
})
