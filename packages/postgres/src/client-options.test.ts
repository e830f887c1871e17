import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { SessionStore } from '@sess/core/adapter'
import { Client, defaults, Pool, types, type ClientConfig, type PoolConfig } from 'pg'
import pg812 from 'pg812'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { newSchema, server } from '../test/harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { use } from '../test/use.ts'
import { postgresStore } from './index.ts'

let port: number
let schema: string
let admin: Pool
beforeAll(async () => {
  ;({ port } = await server())
  ;({ schema, admin } = await newSchema())
})
afterAll(() => admin.end())

function storeOf(config: PoolConfig): SessionStore {
  const pool = poolOf({ port, ...config })
  onTestFinished(() => pool.end())
  return postgresStore(pool, { schema })
}

async function clientOf(config: ClientConfig = {}): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...config })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** The mark of a client of pg-native: its connection of libpq is the property `native`. */
class Native extends Client {
  readonly native = {}
}

const other = (parse: (text: string) => unknown) => ({ getTypeParser: () => parse }) as PoolConfig['types']
type Row = readonly [verdict: 'recommended' | 'works' | 'refused' | 'not tried', ...values: readonly PoolConfig[]]
/** A row for every option of a Pool and of its connections. A new option of pg fails to compile until it has a row here. */
const ROWS: Record<keyof PoolConfig | 'binary', Row> = {
  connectionTimeoutMillis: ['recommended', { connectionTimeoutMillis: 3000 }],
  statement_timeout: ['recommended', { statement_timeout: 5000 }],
  idle_in_transaction_session_timeout: ['recommended', { idle_in_transaction_session_timeout: 5000 }],
  types: ['works', { types: other(BigInt) }, { types: other(() => 'anything') }],
  binary: ['refused', { binary: true } as PoolConfig],
  options: [
    'works',
    { options: '-c bytea_output=escape' },
    { options: '-c extra_float_digits=-15' },
    { options: '-c default_transaction_isolation=serializable' },
    { options: '-c lc_messages=C -c datestyle=German -c standard_conforming_strings=off' },
  ],
  query_timeout: ['works', { query_timeout: 5000 }],
  lock_timeout: ['works', { lock_timeout: 5000 }],
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
  max: ['works', { max: 1 }, { max: 3 }],
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
  if (verdict !== 'refused') await use(storeOf(value))
  else expect(() => storeOf(value)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})

test('prepare: true works: each connection plans a statement once', async () => {
  const pool = poolOf({ port, max: 1 })
  onTestFinished(() => pool.end())
  const store = postgresStore(pool, { schema, prepare: true })
  await use(store)
  await use(store)
  const { rows } = await pool.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements')
  expect(rows.length).toBeGreaterThan(5)
  expect(new Set(rows.map(({ statement }) => statement)).size).toBe(rows.length)
  await pool.query('DEALLOCATE ALL')
  const error = { code: 'configuration', message: expect.stringContaining('leave out the option prepare') as unknown }
  await expect(store.create(keyOf(), record, now)).rejects.toMatchObject(error)
})

test('a URL works', async () => {
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await use(storeOf({ connectionString: url, host: undefined, port: undefined }))
})

test('pg 8.12, the oldest supported version, works with a Pool', async () => {
  const pool = new pg812.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  onTestFinished(() => pool.end())
  await use(postgresStore(pool, { schema }))
  const client = await pool.connect()
  onTestFinished(() => client.release())
  expect(() => postgresStore(client)).toThrow('a Client of pg 8.21 or later')
})

describe('parsers of the whole process', () => {
  const { BOOL, BYTEA, INT8, INT4, FLOAT8, TEXT } = types.builtins
  const OIDS = [BOOL, BYTEA, INT8, INT4, FLOAT8, TEXT]
  const before = OIDS.map((oid) => types.getTypeParser(oid))
  afterEach(() => {
    OIDS.forEach((oid, i) => types.setTypeParser(oid, before[i]!))
    defaults.parseInt8 = false
  })

  test('do not affect the store: int8 as BigInt, other types as anything', async () => {
    defaults.parseInt8 = true
    for (const oid of OIDS) types.setTypeParser(oid, (text) => (oid === INT8 ? BigInt(text) : `parsed ${text}`))
    await use(storeOf({}))
  })
})

test('the table in the README has the verdict of every option that is tried here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /### Options of pg\n(.*?)\n##/s.exec(readme) ?? []
  const said = new Map<string, string>()
  for (const [, options = '', verdict = ''] of section.matchAll(
    /^\| (`[^|]+) +\| (recommended|works|refused|not tried)/gm,
  ))
    for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(Object.entries(ROWS).map(([option, [verdict]]) => [option, verdict])),
  )
})

describe('a Client', () => {
  test('works', async () => use(postgresStore(await clientOf(), { schema })))

  test('gets one statement at a time, and a statement that waited for 3 s is not sent', async () => {
    const client = await clientOf()
    const store = postgresStore(client, { schema })
    const key = keyOf()
    const holder = await admin.connect()
    await holder.query(`BEGIN; LOCK TABLE ${schema}.sess_sessions`)
    const [first, second] = [store.delete(key, now), store.create(key, record, now)]
    const refused = second.catch((error: unknown) => error)
    await delay(3100)
    await holder.query('ROLLBACK')
    holder.release()
    expect(await refused).toMatchObject({ code: 'store_unavailable' })
    expect(await first).toBe(false)
    expect(await store.read(key, now)).toBeUndefined()
  })

  test('that a pool lends works', async () => {
    const client = await admin.connect()
    onTestFinished(() => client.release())
    await use(postgresStore(client, { schema }))
  })

  test('within a transaction is refused, and no statement is sent', async () => {
    const client = await clientOf()
    const store = postgresStore(client, { schema })
    const key = keyOf()
    const refused = { code: 'unsupported', message: expect.stringContaining('within a transaction') as unknown }
    await client.query('BEGIN')
    await expect(store.create(key, record, now)).rejects.toMatchObject(refused)
    await expect(store.read(key, now)).rejects.toMatchObject(refused)
    await expect(client.query('SELECT nonsense')).rejects.toThrow()
    await expect(store.delete(key, now)).rejects.toMatchObject(refused)
    await client.query('COMMIT')
    expect(await store.read(key, now)).toBeUndefined()
    expect(await store.create(key, record, now)).toBe(true)
  })

  test('whose transaction begins before the statement is sent does not acknowledge the statement', async () => {
    const client = await clientOf()
    const store = postgresStore(client, { schema })
    const key = keyOf()
    const begun = client.query('BEGIN')
    const created = store.create(key, record, now)
    await new Promise(process.nextTick) // pg has queued the statement now, behind BEGIN
    const rolledBack = client.query('ROLLBACK')
    await expect(created).rejects.toThrow('ran within a transaction')
    await Promise.all([begun, rolledBack])
    expect(await store.read(key, now)).toBeUndefined()
  })

  test('with pipeline: true, binary: true or of pg-native is refused', async () => {
    for (const client of [new Client({ pipeline: true }), new Client({ binary: true } as ClientConfig), new Native()])
      expect(() => postgresStore(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })
})

test('a pool that lends a connection within a transaction is refused, and the pool drops that connection', async () => {
  const pool = poolOf({ port, max: 1 })
  onTestFinished(() => pool.end())
  const store = postgresStore(pool, { schema })
  const client = await pool.connect()
  await client.query('BEGIN')
  client.release()
  await expect(store.create(keyOf(), record, now)).rejects.toMatchObject({ code: 'unsupported' })
  expect(await store.create(keyOf(), record, now)).toBe(true)
})

test('a pool of pg-native is refused', async () => {
  const error = { code: 'configuration', message: expect.stringContaining('pg-native') as unknown }
  await expect(storeOf({ Client: Native }).read(keyOf(), now)).rejects.toMatchObject(error)
})

test.each<[what: string, passed: () => unknown, message: string]>([
  ['nothing', () => undefined, 'and is undefined'],
  ['a URL', () => 'postgres://127.0.0.1', 'and is text'],
  ['the class', () => Pool, 'and is a class, or a client of the package `postgres`'],
  ['options', () => ({ host: '127.0.0.1' }), 'and is an object that is not a client'],
  ['a pool in an object', () => ({ pool: admin }), 'and is an object around a pool'],
])('%s is refused when the store is made, saying what to pass', (_, passed, message) => {
  const make = (): unknown => postgresStore(passed() as Pool)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(make).toThrow(/^client must be a Pool or a Client of pg, as from new Pool\(\{ … \}\), and is /)
  expect(make).toThrow(message)
})

test.each<[options: object, message: string]>([
  [{ table: 'a-b' }, 'table must be a name'],
  [{ schema: 'a"b' }, 'schema must be a name'],
  [{ prefix: 'ä' }, 'prefix must be text of printable ASCII'],
  [{ prepare: 'yes' }, 'prepare must be true or false'],
  [{ maxPayloadBytes: 0 }, 'maxPayloadBytes must be a whole number'],
  [{ ttl: 1 }, 'ttl is no option of postgresStore()'],
  [{ tableName: 'sessions' }, 'the option is called table'],
])('options %j are refused', (options, message) => {
  expect(() => postgresStore(admin, options)).toThrow(message)
})
