import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { asExpected, sum } from '@sess/core/adapter'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { server } from '../test/harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { use } from '../test/use.ts'
import { migrate, postgresStore, schemaSql } from './index.ts'

let port: number
let admin: Pool
beforeAll(async () => {
  ;({ port } = await server())
  admin = poolOf({ port })
})
afterAll(() => admin.end())

async function said(worker: ChildProcess): Promise<unknown> {
  const [message] = (await once(worker, 'message')) as [unknown]
  return message
}

test('processes that start at once on an empty database all start', async () => {
  const workers = Array.from({ length: 4 }, () =>
    fork(join(import.meta.dirname, '../test/first-start.ts'), [`${port}`]),
  )
  onTestFinished(() => workers.forEach((worker) => worker.disconnect()))
  expect(await Promise.all(workers.map(said))).toEqual(workers.map(() => 'ready'))
  for (let round = 0; round < 10; round++) {
    const schema = `start${round}`
    const answers = Promise.all(workers.map(said))
    const at = Date.now() + 10
    for (const worker of workers) worker.send({ schema, at })
    expect(await answers).toEqual(workers.map(() => 'ok'))
    expect(await sum(postgresStore(admin, { schema }).count!(now))).toBe(workers.length)
  }
})

test('if the table and its index exist, migrate only reads: it needs no right to create and does not wait for a long write', async () => {
  await migrate(admin, { schema: 'made' })
  await admin.query(`CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA made TO app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON made.sess_sessions TO app`)
  const pool = poolOf({ port, user: 'app' })
  onTestFinished(() => pool.end())
  const writer = await admin.connect()
  await writer.query('BEGIN; LOCK TABLE made.sess_sessions IN ROW EXCLUSIVE MODE')
  await migrate(pool, { schema: 'made' })
  await writer.query('ROLLBACK')
  writer.release()
  await use(postgresStore(pool, { schema: 'made' }))
  const error = { code: 'configuration', message: expect.stringContaining('lacks a right') as unknown }
  await expect(migrate(pool, { schema: 'made', table: 'another' })).rejects.toMatchObject(error)
})

test('without the option schema the search_path decides', async () => {
  await admin.query('CREATE SCHEMA by_path')
  const pool = poolOf({ port, options: '-c search_path=by_path' })
  onTestFinished(() => pool.end())
  await migrate(pool)
  await use(postgresStore(pool))
  expect(await sum(postgresStore(admin, { schema: 'by_path' }).count!(now))).toBe(0)
})

test('migrate creates a missing index', async () => {
  await migrate(admin, { schema: 'half' })
  await admin.query('DROP INDEX half.sess_sessions_expiry')
  await migrate(admin, { schema: 'half' })
  const { rowCount } = await admin.query(
    `SELECT 1 FROM pg_indexes WHERE indexname = 'sess_sessions_expiry' AND schemaname = 'half'`,
  )
  expect(rowCount).toBe(1)
})

test('a table of the same name with another shape is refused and not changed', async () => {
  await admin.query('CREATE SCHEMA foreign_; CREATE TABLE foreign_.sess_sessions (sid text, sess json)')
  const error = { code: 'configuration', message: expect.stringContaining('has no prefix, tag, id') as unknown }
  await expect(migrate(admin, { schema: 'foreign_' })).rejects.toMatchObject(error)
})

test('unlogged: true creates an UNLOGGED table; an existing logged table is an error', async () => {
  await migrate(admin, { schema: 'fast', unlogged: true })
  await migrate(admin, { schema: 'fast', unlogged: true })
  await use(postgresStore(admin, { schema: 'fast' }))
  const { rows } = await admin.query(`SELECT relpersistence FROM pg_class WHERE oid = 'fast.sess_sessions'::regclass`)
  expect(rows).toEqual([{ relpersistence: 'u' }])
  await expect(migrate(admin, { schema: 'fast', unlogged: false })).rejects.toMatchObject({ code: 'configuration' })
  await migrate(admin, { schema: 'slow' })
  await expect(migrate(admin, { schema: 'slow', unlogged: true })).rejects.toThrow('SET UNLOGGED')
})

test('schemaSql() gives a migration tool the same statements as a script of one transaction', async () => {
  const sql = schemaSql({ schema: 'by_script', table: 'mine' })
  await Promise.all([admin.query(sql), admin.query(sql), admin.query(sql)])
  await use(postgresStore(admin, { schema: 'by_script', table: 'mine' }))
})

test('unknown options and bad names are refused', () => {
  expect(() => schemaSql({ prefix: 'a' } as object)).toThrow('give the prefix to postgresStore()')
  expect(() => schemaSql({ table: '' })).toThrow('table must be a name')
})

test('applications that share a table by prefix do not see each other’s sessions', async () => {
  const schema = 'shared'
  await migrate(admin, { schema })
  const stores = ['', 'shop:', 'admin:'].map((prefix) => postgresStore(admin, { schema, prefix }))
  const key = keyOf()
  for (const store of stores) expect(await store.create(key, record, now)).toBe(true)
  const [, shop, other] = stores as [(typeof stores)[0], (typeof stores)[0], (typeof stores)[0]]
  for (const store of stores) expect(await sum(store.count!(now))).toBe(1)
  expect(await sum(shop.deleteSubject!({ id: 'ann', tag: key.tag }, now))).toBe(1)
  expect(await shop.read(key, now)).toBeUndefined()
  expect(await other.read(key, now)).toEqual({ ...record, payload: new Uint8Array(record.payload) })
  const old = { ...record, expiresAt: now - 3_600_000 }
  const past = now - 7_200_000
  for (const store of stores) await store.create(keyOf(), old, past)
  expect(await sum(other.sweep!(now))).toBe(1)
  expect(await sum(shop.sweep!(now))).toBe(1)
})

test('a write that keeps the minute of the expiry updates no index', async () => {
  const schema = 'hot'
  await migrate(admin, { schema })
  const store = postgresStore(admin, { schema })
  const key = keyOf()
  await store.create(key, record, now)
  for (let revision = 1; revision <= 200; revision++)
    await store.replace(key, asExpected({ ...record, revision }), { ...record, revision: revision + 1 }, now)
  const hot = async (): Promise<number> => {
    const { rows } = await admin.query<{
      share: number
    }>(`SELECT n_tup_hot_upd / greatest(n_tup_upd, 1)::float8 AS share
      FROM pg_stat_all_tables WHERE schemaname = 'hot' AND relname = 'sess_sessions' AND n_tup_upd = 200`)
    return rows[0]?.share ?? 0
  }
  await expect.poll(hot, { timeout: 100_000 }).toBeGreaterThan(0.9)
})
