import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { startPostgres, type TestServer } from '@sess/test-servers'
import { asExpected, sum, type SessionRecord, type SessionStore } from '@sess/core/adapter'
import { Client, defaults, Pool, types, type PoolConfig } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { pgStore, SCHEMA } from './pg-store.ts'

let server: TestServer
let admin: Pool
beforeAll(async () => {
  server = await startPostgres()
  admin = poolOf()
  await admin.query(SCHEMA)
}, 60_000)
afterAll(async () => {
  await admin.end()
  await server.stop()
})

function poolOf(config: PoolConfig = {}): Pool {
  const pool = new Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres', ...config })
  pool.on('error', () => {})
  return pool
}
function storeOf(config: PoolConfig): SessionStore {
  const pool = poolOf(config)
  onTestFinished(() => pool.end())
  return pgStore(pool)
}

const now = Date.now()
const record: SessionRecord = { revision: 1, expiresAt: now + 60_000, subject: 'ann', payload: Buffer.from('payload') }
const keyOf = (tag = randomBytes(9).toString('base64url')) => ({ tag, id: randomBytes(12).toString('base64url') })

/** Calls each method of a store, and sees that it answers what it must. */
async function use(store: SessionStore): Promise<void> {
  const one = keyOf()
  const two = keyOf(one.tag)
  const ann = { id: 'ann', tag: one.tag }
  const next = { ...record, revision: 2 ** 53 - 2, payload: new Uint8Array([0, 255, 13, 10, 92, 39, 200]) }
  expect([await store.create(one, record, now), await store.create(two, record, now)]).toEqual([true, true])
  expect(await store.create(one, record, now)).toBe(false)
  expect(await store.replace(one, asExpected(record), next, now)).toBe('replaced')
  expect(await store.replace(one, asExpected(record), next, now)).toBe('conflict')
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('touched')
  const read = { ...next, expiresAt: now + 90_000 }
  expect(await store.read(one, now)).toEqual(read)
  expect([await store.delete(two, now), await store.delete(two, now)]).toEqual([true, false])
  const listed: unknown[] = []
  for await (const entry of store.list!(ann, now)) listed.push(entry)
  expect(listed).toEqual([[one, read]])
  expect(await sum(store.count!(now))).toBeGreaterThan(0)
  await sum(store.sweep!(now))
  expect(await sum(store.deleteSubject!(ann, now))).toBe(1)
  expect(await store.read(one, now)).toBeUndefined()
}

const other = (parse: (text: string) => unknown) => ({ getTypeParser: () => parse }) as PoolConfig['types']
type Row = readonly [verdict: 'works' | 'refused' | 'not tried', ...values: readonly PoolConfig[]]
/** Every option of a Pool and of its connections: a new one does not compile before it has been looked at. */
const ROWS: Record<keyof PoolConfig | 'binary', Row> = {
  types: ['works', { types: other(BigInt) }, { types: other(() => 'anything') }],
  binary: ['refused', { binary: true } as PoolConfig],
  options: [
    'works',
    { options: '-c bytea_output=escape' },
    { options: '-c extra_float_digits=-15' },
    { options: '-c default_transaction_isolation=serializable' },
    { options: '-c lc_messages=C -c datestyle=German -c standard_conforming_strings=off' },
  ],
  statement_timeout: ['works', { statement_timeout: 5000 }],
  query_timeout: ['works', { query_timeout: 5000 }],
  lock_timeout: ['works', { lock_timeout: 5000 }],
  idle_in_transaction_session_timeout: ['works', { idle_in_transaction_session_timeout: 5000 }],
  connectionTimeoutMillis: ['works', { connectionTimeoutMillis: 5000 }],
  pipeline: ['works', { pipeline: true }],
  client_encoding: ['works', { client_encoding: 'LATIN1' }],
  application_name: ['works', { application_name: 'sessions' }],
  fallback_application_name: ['works', { fallback_application_name: 'sessions' }],
  user: ['works', { user: 'postgres' }],
  password: ['works', { password: async () => 'any' }],
  database: ['works', { database: 'postgres' }],
  host: ['works', { host: 'localhost' }],
  port: ['works', {}],
  connectionString: ['works', {}],
  keepAlive: ['works', { keepAlive: true }],
  keepAliveInitialDelayMillis: ['works', { keepAlive: true, keepAliveInitialDelayMillis: 10 }],
  max: ['works', { max: 1 }],
  min: ['works', { min: 1 }],
  idleTimeoutMillis: ['works', { idleTimeoutMillis: 1 }],
  log: ['works', { log: () => {} }],
  Promise: ['works', { Promise }],
  allowExitOnIdle: ['works', { allowExitOnIdle: true }],
  maxUses: ['works', { maxUses: 1 }],
  maxLifetimeSeconds: ['works', { maxLifetimeSeconds: 1 }],
  Client: ['works', { Client }],
  onConnect: ['works', { onConnect: () => {} }],
  verify: ['works', { verify: (_, done) => done() }],
  stream: ['not tried'],
  ssl: ['not tried'],
  sslnegotiation: ['not tried'],
  enableChannelBinding: ['not tried'],
}
const cases = Object.entries(ROWS).flatMap(([option, [verdict, ...values]]) =>
  values.map((value) => [option, verdict, value] as const),
)

test.each(cases)('a Pool with %s %s: %j', async (_, verdict, value) => {
  if (verdict === 'works') await use(storeOf(value))
  else expect(() => storeOf(value)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})

test('a URL works', async () => {
  const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`
  await use(storeOf({ connectionString: url, host: undefined, port: undefined }))
})

describe('parsers of the whole process', () => {
  const { BOOL, BYTEA, INT8, INT4, FLOAT8 } = types.builtins
  const OIDS = [BOOL, BYTEA, INT8, INT4, FLOAT8]
  const before = OIDS.map((oid) => types.getTypeParser(oid))
  afterEach(() => {
    OIDS.forEach((oid, i) => types.setTypeParser(oid, before[i]!))
    defaults.parseInt8 = false
  })

  test('change nothing here: int8 as BigInt, and others as whatever', async () => {
    defaults.parseInt8 = true
    for (const oid of OIDS) types.setTypeParser(oid, (text) => (oid === INT8 ? BigInt(text) : `parsed ${text}`))
    await use(storeOf({}))
  })
})

test('the README says of every option what was tried here', () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const [, section = ''] = /## Client options\n(.*?)\n## /s.exec(readme) ?? []
  const said = new Map<string, string>()
  for (const [, options = '', verdict = ''] of section.matchAll(/^\| (`[^|]+) +\| (works|refused|not tried)/gm))
    for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(Object.entries(ROWS).map(([option, [verdict]]) => [option, verdict])),
  )
})

describe('a write is acknowledged by its commit', () => {
  test('one that fails there, after its statement was done, is refused and not applied', async () => {
    await admin.query(`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'at the commit'; END $$;
      CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON sess_sessions
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
      ALTER TABLE sess_sessions DISABLE TRIGGER at_commit`)
    onTestFinished(async () => void (await admin.query('DROP FUNCTION fail CASCADE')))
    const store = storeOf({})
    const [key, another] = [keyOf(), keyOf()]
    await store.create(key, record, now)
    await admin.query('ALTER TABLE sess_sessions ENABLE TRIGGER at_commit')
    const next = { ...record, revision: 2 }
    const refused = { code: 'store_unavailable', cause: { message: 'at the commit' } }
    for (const write of [
      () => store.create(another, record, now),
      () => store.replace(key, asExpected(record), next, now),
      () => store.touch(key, asExpected(record), now + 90_000, now),
      () => store.delete(key, now),
      () => sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now)),
    ])
      await expect(write()).rejects.toMatchObject(refused)
    expect(await store.read(key, now)).toMatchObject({ revision: 1, expiresAt: record.expiresAt })
    expect(await store.read(another, now)).toBeUndefined()
  })
})

describe('what was never sent, or was refused, was not applied', () => {
  test.each<[what: string, config: () => PoolConfig, code: string]>([
    ['a port that nobody listens at', () => ({ port: 1 }), 'store_unavailable'],
    ['a name that no server has', () => ({ host: 'nonesuch.invalid' }), 'store_unavailable'],
    ['no such database', () => ({ database: 'nonesuch' }), 'configuration'],
    ['no such user', () => ({ user: 'nonesuch' }), 'configuration'],
    ['no table', () => ({ options: '-c search_path=pg_catalog' }), 'configuration'],
    ['a server that may not write', () => ({ options: '-c default_transaction_read_only=on' }), 'store_unavailable'],
  ])('%s', async (_, config, code) => {
    await expect(storeOf(config()).create(keyOf(), record, now)).rejects.toMatchObject({ code })
  })

  test('missing rights', async () => {
    await admin.query('CREATE ROLE reader LOGIN; GRANT SELECT ON sess_sessions TO reader')
    const store = storeOf({ user: 'reader' })
    expect(await store.read(keyOf(), now)).toBeUndefined()
    const error = { code: 'configuration', message: expect.stringContaining('rights') as unknown }
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(error)
    await expect(store.delete(keyOf(), now)).rejects.toMatchObject(error)
  })

  test('a table of the wrong shape', async () => {
    await admin.query('CREATE SCHEMA other; CREATE TABLE other.sess_sessions (sid text, sess json, expire timestamp)')
    const store = storeOf({ options: '-c search_path=other' })
    const error = { code: 'configuration', message: expect.stringContaining('SCHEMA') as unknown }
    await expect(store.read(keyOf(), now)).rejects.toMatchObject(error)
    await expect(store.delete(keyOf(), now)).rejects.toMatchObject(error)
  })

  test('a pool that has ended, and one that is busy', async () => {
    const pool = poolOf({ max: 1, connectionTimeoutMillis: 1000 })
    const store = pgStore(pool)
    const busy = await pool.connect()
    const unavailable = { code: 'store_unavailable' }
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(unavailable)
    busy.release()
    await pool.end()
    await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(unavailable)
  })

  test('a lock that is held for longer than lock_timeout', async () => {
    const key = keyOf()
    const store = storeOf({ lock_timeout: 20 })
    await store.create(key, record, now)
    const holder = await admin.connect()
    await holder.query('BEGIN; LOCK TABLE sess_sessions')
    const refused = { code: 'store_unavailable', cause: { code: '55P03' } }
    await expect(store.delete(key, now)).rejects.toMatchObject(refused)
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.read(key, now)).toMatchObject({ revision: 1 })
  })

  test('but of a connection that is cut under way nobody knows', async () => {
    const key = keyOf()
    const store = storeOf({ application_name: 'to be cut' })
    await store.create(key, record, now)
    const holder = await admin.connect()
    await holder.query('BEGIN; LOCK TABLE sess_sessions')
    const deleted = store.delete(key, now).catch((error: unknown) => error)
    await expect
      .poll(async () => {
        const { rowCount } = await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be cut' AND wait_event_type = 'Lock'`,
        )
        return rowCount
      })
      .toBe(1)
    expect(await deleted).toMatchObject({ code: '57P01' })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.delete(key, now)).toBe(true)
  })
})

test.each<[what: string, passed: () => unknown, message: string]>([
  ['nothing', () => undefined, 'and is undefined'],
  ['a URL', () => 'postgres://127.0.0.1', 'and is text'],
  ['the class', () => Pool, 'and is a class, or a client of the package `postgres`'],
  ['options', () => ({ host: '127.0.0.1' }), 'and is an object that is no pool'],
  ['a pool in an object', () => ({ pool: admin }), 'and is an object around a pool'],
  ['a Client', () => new Client(), 'and is a Client: one connection, which may be within a transaction of yours'],
])('%s is refused when the store is made, saying what to pass', (_, passed, message) => {
  const make = (): unknown => pgStore(passed() as Pool)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(make).toThrow(/^pool must be a Pool of pg, as from new Pool\(\{ … \}\), and is /)
  expect(make).toThrow(message)
})
