import { once } from 'node:events'
import { createServer } from 'node:net'
import { asExpected, sum, type SessionStore } from '@sess/core/adapter'
import type { Pool, PoolConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newSchema, server } from '../test/harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { postgresStore } from './index.ts'

let port: number
let schema: string
let admin: Pool
beforeAll(async () => {
  ;({ port } = await server())
  ;({ schema, admin } = await newSchema())
  await admin.query(`CREATE FUNCTION ${schema}.fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'as the test wants' USING ERRCODE = TG_ARGV[0]; END $$`)
})
afterAll(() => admin.end())

function storeOf(config: PoolConfig = {}): SessionStore {
  const pool = poolOf({ port, ...config })
  onTestFinished(() => pool.end())
  return postgresStore(pool, { schema })
}

const table = (): string => `${schema}.sess_sessions`
const ann = (tag: string) => ({ id: 'ann', tag })
const locked = (application: string): Promise<number> =>
  admin
    .query(`SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, [application])
    .then(({ rowCount }) => rowCount ?? 0)

test('the commit acknowledges a write: a write whose commit fails after its statement is not applied', async () => {
  const store = storeOf()
  const [key, another] = [keyOf(), keyOf()]
  await store.create(key, record, now)
  await admin.query(`CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON ${table()}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${schema}.fail('P0001')`)
  const refused = { code: 'store_unavailable', cause: { message: 'as the test wants' } }
  for (const write of [
    () => store.create(another, record, now),
    () => store.replace(key, asExpected(record), { ...record, revision: 2 }, now),
    () => store.touch(key, asExpected(record), now + 90_000, now),
    () => store.delete(key, now),
    () => sum(store.deleteSubject!(ann(key.tag), now)),
  ])
    await expect(write()).rejects.toMatchObject(refused)
  await admin.query(`DROP TRIGGER at_commit ON ${table()}`)
  expect(await store.read(key, now)).toMatchObject({ revision: 1, expiresAt: record.expiresAt })
  expect(await store.read(another, now)).toBeUndefined()
})

describe('a write that was not sent or was refused was not applied:', () => {
  test.each<[what: string, config: () => PoolConfig, code: string]>([
    ['a port that nobody listens at', () => ({ port: 1 }), 'store_unavailable'],
    ['a name that no server has', () => ({ host: 'nonesuch.invalid' }), 'store_unavailable'],
    ['no such database', () => ({ database: 'nonesuch' }), 'configuration'],
    ['no such user', () => ({ user: 'nonesuch' }), 'configuration'],
    ['a server that may not write', () => ({ options: '-c default_transaction_read_only=on' }), 'store_unavailable'],
  ])('%s', async (_, config, code) => {
    await expect(storeOf(config()).create(keyOf(), record, now)).rejects.toMatchObject({ code })
  })

  test('there is no table, and the error says what to call', async () => {
    const store = postgresStore(admin, { schema, table: 'nonesuch' })
    const error = { code: 'configuration', message: expect.stringContaining('migrate()') as unknown }
    await expect(store.read(keyOf(), now)).rejects.toMatchObject(error)
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(error)
  })

  test('missing rights', async () => {
    await admin.query(`CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA ${schema} TO reader;
      GRANT SELECT ON ${table()} TO reader`)
    const store = storeOf({ user: 'reader' })
    expect(await store.read(keyOf(), now)).toBeUndefined()
    const error = { code: 'configuration', message: expect.stringContaining('lacks a right') as unknown }
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(error)
    await expect(store.delete(keyOf(), now)).rejects.toMatchObject(error)
  })

  test('a table of the wrong shape', async () => {
    await admin.query(`CREATE TABLE ${schema}.other (sid text, sess json, expire timestamp)`)
    const store = postgresStore(admin, { schema, table: 'other' })
    const error = { code: 'configuration', message: expect.stringContaining('other columns') as unknown }
    await expect(store.read(keyOf(), now)).rejects.toMatchObject(error)
    await expect(store.delete(keyOf(), now)).rejects.toMatchObject(error)
  })

  test.each<[what: string, sqlstate: string, code: string]>([
    ['a full disk', '53100', 'store_full'],
    ['no memory', '53200', 'store_unavailable'],
    ['a statement that was cancelled', '57014', 'store_unavailable'],
    ['a read-only server', '25006', 'store_unavailable'],
    ['an I/O error that the server reports as a refusal', '58030', 'store_unavailable'],
  ])('%s (%s)', async (_, sqlstate, code) => {
    const key = keyOf()
    const store = storeOf()
    await store.create(key, record, now)
    await admin.query(`CREATE TRIGGER at_write BEFORE UPDATE ON ${table()}
      FOR EACH ROW EXECUTE FUNCTION ${schema}.fail('${sqlstate}')`)
    onTestFinished(async () => void (await admin.query(`DROP TRIGGER at_write ON ${table()}`)))
    const error = { code, cause: { code: sqlstate } }
    await expect(store.touch(key, asExpected(record), now + 90_000, now)).rejects.toMatchObject(error)
    expect(await store.read(key, now)).toMatchObject({ expiresAt: record.expiresAt })
  })

  test('an outcome that the server itself does not know is not a refusal (40003)', async () => {
    const key = keyOf()
    const store = storeOf()
    await store.create(key, record, now)
    await admin.query(`CREATE TRIGGER at_write BEFORE UPDATE ON ${table()}
      FOR EACH ROW EXECUTE FUNCTION ${schema}.fail('40003')`)
    onTestFinished(async () => void (await admin.query(`DROP TRIGGER at_write ON ${table()}`)))
    await expect(store.touch(key, asExpected(record), now + 90_000, now)).rejects.toMatchObject({ code: '40003' })
  })

  test('a pool that has ended', async () => {
    const pool = poolOf({ port })
    const store = postgresStore(pool, { schema })
    await pool.end()
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('a pool has no free connection: the call waits for the pool’s own timeout or 3 s, and the statement is not sent late', async () => {
    const key = keyOf()
    for (const config of [{ connectionTimeoutMillis: 1000 }, {}]) {
      const pool = poolOf({ port, max: 1, ...config })
      const store = postgresStore(pool, { schema })
      const busy = await pool.connect()
      await expect(store.create(key, record, now)).rejects.toMatchObject({ code: 'store_unavailable' })
      busy.release()
      expect(await store.read(key, now)).toBeUndefined()
      await pool.end()
    }
  })

  test('a server that takes no more connections (53300)', async () => {
    await admin.query('CREATE ROLE single LOGIN CONNECTION LIMIT 1; GRANT pg_read_all_data TO single')
    const [one, two] = [poolOf({ port, user: 'single', max: 1 }), poolOf({ port, user: 'single', max: 1 })]
    const busy = await one.connect()
    const error = { code: 'store_unavailable', cause: { code: '53300' } }
    await expect(postgresStore(two, { schema }).read(keyOf(), now)).rejects.toMatchObject(error)
    busy.release()
    await one.end()
    await expect
      .poll(() =>
        postgresStore(two, { schema })
          .read(keyOf(), now)
          .catch(() => 'not yet'),
      )
      .toBeUndefined()
    await two.end()
  })

  test.each([
    ['lock_timeout', { lock_timeout: 20 }, '55P03'],
    ['statement_timeout', { statement_timeout: 20 }, '57014'],
  ])('a lock that is held for longer than %s', async (_, config, sqlstate) => {
    const key = keyOf()
    const store = storeOf(config)
    await store.create(key, record, now)
    const holder = await admin.connect()
    await holder.query(`BEGIN; LOCK TABLE ${table()}`)
    await expect(store.delete(key, now)).rejects.toMatchObject({ code: 'store_unavailable', cause: { code: sqlstate } })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.read(key, now)).toMatchObject({ revision: 1 })
  })
})

describe('a write that may have been applied has an unknown outcome:', () => {
  test.each<[what: string, config: PoolConfig, end: () => Promise<unknown>, error: object]>([
    [
      'a connection that is cut under way (57P01)',
      { application_name: 'cut' },
      () => admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'`),
      { code: '57P01' },
    ],
    [
      'a statement that query_timeout gives up',
      { application_name: 'late', query_timeout: 500 },
      async () => {},
      {
        message: 'Query read timeout',
      },
    ],
  ])('%s', async (_, config, end, error) => {
    const key = keyOf()
    const store = storeOf(config)
    await store.create(key, record, now)
    const holder = await admin.connect()
    await holder.query(`BEGIN; LOCK TABLE ${table()}`)
    const deleted = store.delete(key, now).catch((cause: unknown) => cause)
    await expect.poll(() => locked(config.application_name!)).toBe(1)
    await end()
    expect(await deleted).toMatchObject(error)
    await holder.query('ROLLBACK')
    holder.release()
    await expect.poll(() => locked(config.application_name!)).toBe(0)
    // The outcome was unknown, so the write may have been applied or not.
    expect([true, false]).toContain(await store.delete(key, now))
  })
})

describe('a transaction that lost against another transaction is retried:', () => {
  test('a serialization failure: one of many writers wins, and the others get "conflict"', async () => {
    const store = storeOf({ options: '-c default_transaction_isolation=serializable' })
    for (let round = 0; round < 5; round++) {
      const key = keyOf()
      await store.create(key, record, now)
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => store.replace(key, asExpected(record), { ...record, revision: 2 }, now)),
      )
      expect(answers.toSorted()).toEqual([...Array<string>(9).fill('conflict'), 'replaced'])
    }
  })

  test('a deadlock', async () => {
    // PostgreSQL checks for a deadlock once in each wait, after deadlock_timeout. The other session's is longer, so this is the victim.
    const store = storeOf({ application_name: 'victim', options: '-c deadlock_timeout=2s' })
    const tag = keyOf().tag
    const [one, two] = [
      { tag, id: 'a'.repeat(16) },
      { tag, id: 'b'.repeat(16) },
    ] as const
    await store.create(one, record, now)
    await store.create(two, record, now)
    const lock = `SELECT 1 FROM ${table()} WHERE tag = $1 AND id = $2 FOR UPDATE`
    const holder = await admin.connect()
    await holder.query('BEGIN')
    await holder.query('SET LOCAL deadlock_timeout = 60000')
    await holder.query(lock, [tag, two.id])
    const before = await deadlocks()
    const deleted = sum(store.deleteSubject!(ann(tag), now))
    await expect.poll(() => locked('victim')).toBe(1)
    await holder.query(lock, [tag, one.id])
    await holder.query('COMMIT')
    holder.release()
    expect(await deleted).toBe(2)
    await expect.poll(deadlocks).toBeGreaterThan(before)
  })

  async function deadlocks(): Promise<number> {
    const { rows } = await admin.query<{ n: string }>('SELECT sum(deadlocks) AS n FROM pg_stat_database')
    return Number(rows[0]!.n)
  }
})

test('a call to a server that hangs while the client connects is given up, and its statement is not sent late', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const pool = poolOf({ port: (silent.address() as { port: number }).port })
  const store = postgresStore(pool, { schema })
  await expect(store.delete(keyOf(), now)).rejects.toMatchObject({ code: 'store_unavailable' })
  silent.close()
})
