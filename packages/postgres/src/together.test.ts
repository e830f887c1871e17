import { asExpected, type SessionKey, type SessionRecord } from '@sess/core/adapter'
import { tap, type Tap } from '@sess/test-servers'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newSchema, server } from '../test/harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { postgresStore } from './index.ts'

let admin: Pool
let schema: string
let way: Tap
let pool: Pool
beforeAll(async () => {
  ;({ schema, admin } = await newSchema())
  way = await tap((await server()).port)
  pool = poolOf({ port: way.port, max: 1 })
  await pool.query('SELECT 1') // the pool's connection is open now
})
afterAll(async () => {
  await pool.end()
  await way.stop()
  await admin.end()
})

const table = (): string => `${schema}.sess_sessions`
const revised = (revision: number, more: Partial<SessionRecord> = {}): SessionRecord => ({
  ...record,
  revision,
  payload: new Uint8Array([0, 255, revision]),
  ...more,
})

/** Creates records with revision 1. @returns Their keys. */
async function made(many: number, each: Partial<SessionRecord> = {}): Promise<SessionKey[]> {
  const store = postgresStore(pool, { schema })
  const keys = Array.from({ length: many }, () => keyOf())
  for (const key of keys) await store.create(key, { ...record, ...each }, now)
  return keys
}

test.each([false, true])(
  'reads of one turn of the event loop take one round trip, and each returns its own record; prepare: %s',
  async (prepare) => {
    const store = postgresStore(pool, { schema, prepare })
    const [one, two, old] = (await made(3)) as [SessionKey, SessionKey, SessionKey]
    await store.replace(two, asExpected(record), revised(2, { subject: 'ann' }), now)
    const { subject: _, ...anonymous } = record
    const nobodys = keyOf()
    await store.create(nobodys, anonymous, now)
    way.turns = 0
    const later = now + 60_000
    const keys = [one, keyOf(), two, one, nobodys]
    const found = await Promise.all([...keys.map((key) => store.read(key, now)), store.read(old, later)])
    expect(way.turns).toBe(1)
    const bytes = { ...record, payload: new Uint8Array(record.payload) }
    const { subject: __, ...bare } = bytes
    expect(found).toEqual([bytes, undefined, revised(2), bytes, bare, undefined])
  },
)

test.each([false, true])(
  'replacements of one turn of the event loop take one round trip, and each compares its own record; prepare: %s',
  async (prepare) => {
    const store = postgresStore(pool, { schema, prepare })
    const [one, two, old, empty] = (await made(4)) as [SessionKey, SessionKey, SessionKey, SessionKey]
    const large = 2 ** 53 - 2
    way.turns = 0
    expect(
      await Promise.all([
        store.replace(one, asExpected(record), revised(large), now),
        store.replace(empty, asExpected(record), revised(2, { payload: new Uint8Array() }), now),
      ]),
    ).toEqual(['replaced', 'replaced'])
    expect(way.turns).toBe(1)
    expect(
      await Promise.all([
        store.replace(one, asExpected(revised(large)), revised(3, { expiresAt: now + 120_000.5 }), now),
        store.replace(two, asExpected(revised(5)), revised(6), now),
        store.replace(keyOf(), asExpected(record), revised(2), now),
        store.replace(old, asExpected(record), revised(2), now + 60_000),
        store.replace(empty, asExpected(revised(2)), revised(3), now),
      ]),
    ).toEqual(['replaced', 'conflict', 'missing', 'missing', 'replaced'])
    expect(await store.read(one, now)).toEqual(revised(3, { expiresAt: now + 120_000.5 }))
    expect(await store.read(two, now)).toMatchObject({ revision: 1 })
    expect(await store.read(old, now)).toMatchObject({ revision: 1 })
    expect(await store.read(empty, now)).toEqual(revised(3))
  },
)

test('of simultaneous replacements of one record one wins; a replacement that expects the winner’s revision may win after it', async () => {
  const store = postgresStore(pool, { schema })
  const [one, two] = (await made(2)) as [SessionKey, SessionKey]
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, (_, i) => store.replace(one, asExpected(record), revised(10 + i), now)),
    store.replace(two, asExpected(record), revised(2), now),
    store.replace(two, asExpected(revised(2)), revised(3), now),
  ])
  const winners = answers.slice(0, 10).flatMap((answer, i) => (answer === 'replaced' ? [10 + i] : []))
  expect(winners).toHaveLength(1)
  expect(await store.read(one, now)).toEqual(revised(winners[0]!))
  expect(answers.slice(10)).toEqual(['replaced', 'replaced'])
  expect(await store.read(two, now)).toEqual(revised(3))
})

test('a long payload is sent and read without a batch', async () => {
  const store = postgresStore(pool, { schema })
  const [one, two] = (await made(2)) as [SessionKey, SessionKey]
  const long = revised(2, { payload: new Uint8Array(16_385).fill(7) })
  const next = [long, revised(2, { payload: new Uint8Array(16_384).fill(8) })]
  way.turns = 0
  const answers = await Promise.all([one, two].map((key, i) => store.replace(key, asExpected(record), next[i]!, now)))
  expect(answers).toEqual(['replaced', 'replaced'])
  expect(way.turns).toBe(2)
  expect(await Promise.all([one, two].map((key) => store.read(key, now)))).toEqual(next)
  expect(way.turns).toBe(4)
})

/** A store whose connections have a name of their own in pg_stat_activity. */
function storeOf(name: string, port: number, config: PoolConfig = {}) {
  const own = poolOf({ port, application_name: name, ...config })
  onTestFinished(() => own.end())
  return postgresStore(own, { schema })
}

/** Another client's connection, within a transaction that ends with the test at the latest. */
async function inTransaction(): Promise<PoolClient> {
  const holder = await admin.connect()
  onTestFinished(() => holder.release(true))
  await holder.query('BEGIN')
  return holder
}

const waiting = async (name: string): Promise<number> =>
  (await admin.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, [name]))
    .rowCount ?? 0

test('records that another transaction has locked delay only their own writers, which wait without a lock on another record', async () => {
  const store = storeOf('beside', way.port)
  const keys = await made(6)
  const [held, free] = [keys.slice(2, 4), [...keys.slice(0, 2), ...keys.slice(4)]]
  const holder = await inTransaction()
  const hold = ({ id }: SessionKey): Promise<unknown> =>
    holder.query(`UPDATE ${table()} SET revision = 9 WHERE id = $1`, [id])
  for (const key of held) await hold(key)
  const answers = keys.map((key) => store.replace(key, asExpected(record), revised(2), now))
  const others = answers.filter((_, i) => free.includes(keys[i]!))
  // Each turn has several writes, so no write goes alone by chance.
  const [missing, more] = [keyOf(), new Set<Promise<unknown>>()]
  let isBusy = true
  onTestFinished(() => void (isBusy = false))
  const go = (): void => {
    if (more.size < 100) {
      const answer = store.replace(missing, asExpected(record), revised(2), now).finally(() => more.delete(answer))
      more.add(answer)
    }
    if (isBusy) setImmediate(go)
  }
  go()
  expect(await Promise.all(others)).toEqual(others.map(() => 'replaced'))
  await expect.poll(() => waiting('beside'), { timeout: 100_000 }).toBe(2)
  isBusy = false
  await Promise.all(more)
  // This would be a deadlock if the writers that wait for this transaction had locked the record that it writes now.
  for (const key of free) await hold(key)
  await holder.query('COMMIT')
  expect(await Promise.all(answers.slice(2, 4))).toEqual(['conflict', 'conflict'])
})

test('the refusal of one item does not fail the other items', async () => {
  const store = postgresStore(pool, { schema })
  const keys = await made(3)
  await admin.query(`CREATE FUNCTION ${schema}.no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.id = '${keys[1]!.id}' THEN RAISE 'full' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER no_room BEFORE UPDATE ON ${table()} FOR EACH ROW EXECUTE FUNCTION ${schema}.no_room()`)
  onTestFinished(async () => void (await admin.query(`DROP TRIGGER no_room ON ${table()}`)))
  const answers = await Promise.allSettled(keys.map((key) => store.replace(key, asExpected(record), revised(2), now)))
  expect(answers).toMatchObject([
    { value: 'replaced' },
    { reason: { code: 'store_full', cause: { code: '53100' } } },
    { value: 'replaced' },
  ])
})

test('if the connection is lost before the reply, the outcome of each write is unknown, and no read answers', async () => {
  await using own = await tap((await server()).port)
  const store = storeOf('lost', own.port)
  const keys = await made(3)
  const holder = await inTransaction()
  await holder.query(`LOCK TABLE ${table()}`)
  const writes = Promise.allSettled(keys.map((key) => store.replace(key, asExpected(record), revised(2), now)))
  const reads = Promise.allSettled(keys.map((key) => store.read(key, now)))
  await expect.poll(() => waiting('lost')).toBe(2)
  own.closed = true // so nothing that is sent again now arrives
  own.cut()
  for (const outcome of await writes)
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: expect.not.objectContaining({ name: 'SessError' }) as unknown,
    })
  for (const outcome of await reads) expect(outcome).toMatchObject({ reason: { code: 'store_unavailable' } })
})

test('two processes that write the same records at once, at any level of isolation: each record has one winner', async () => {
  const stores = ['read committed', 'repeatable read', 'serializable'].map((level) =>
    storeOf(level, way.port, { options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` }),
  )
  const keys = await made(24)
  const answers = await Promise.all(
    stores.map((store, s) => {
      const order = s === 1 ? keys.toReversed() : keys
      return Promise.all(
        order.map(async (key) => [key.id, await store.replace(key, asExpected(record), revised(2 + s), now)] as const),
      )
    }),
  )
  const won = answers.flat().filter(([, answer]) => answer === 'replaced')
  expect(won.map(([id]) => id).toSorted()).toEqual(keys.map(({ id }) => id).toSorted())
  expect(new Set(answers.flat().map(([, answer]) => answer))).toEqual(new Set(['replaced', 'conflict']))
})
