import { createSessions, type SessionRecord } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { asExpected, GRACE_MS, sum } from '@sess/core/adapter'
import { newFile, open } from '../test/file.ts'
import { keyOf, recordOf } from '../test/record.ts'
import { sqliteStore, type SqliteClient, type SqliteStoreOptions } from './index.ts'

describe('the connection', () => {
  test('is set to write-ahead logging and a sync at each commit', () => {
    const database = open()
    sqliteStore(database)
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(database.pragma('synchronous', { simple: true })).toBe(2)
    expect(database.pragma('busy_timeout', { simple: true })).toBe(2)
  })

  test('stays open when the store is closed', async () => {
    const database = open()
    const store = sqliteStore(database)
    await store.close!()
    await store.close!()
    expect(database.open).toBe(true)
    await expect(store.read(keyOf(1), 0)).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('a damaged row', () => {
  test.each([
    'revision = 9007199254740993',
    'revision = 9223372036854775807',
    'revision = -1',
    'revision = 0',
    'expires_at = 9223372036854775807',
    "subject = x''",
    "subject = x'ff'",
    "payload = x''",
    'payload = zeroblob(2000000)',
  ])('gives a new session and an event, and no call hangs: %s', async (damage) => {
    const database = open()
    const store = sqliteStore(database)
    const sessions = createSessions({ store, log: false })
    const { cookieValue } = await (await sessions.load(undefined)).login('ann')
    const key = { tag: cookieValue!.slice(0, 12), id: cookieValue!.slice(12, 28) }
    const before = (await store.read(key, Date.now()))!
    const loaded = await sessions.load(cookieValue)
    database.exec(`UPDATE sess_sessions SET ${damage}`)
    const reasons: string[] = []
    sessions.on('rejected', ({ reason }) => reasons.push(reason))
    expect([(await sessions.load(cookieValue)).status, reasons]).toEqual(['new', ['undecodable']])
    // What another request loaded before goes on, or ends; its write is not acknowledged and lost. (A row keeps its subject.)
    loaded.data['n'] = 1
    const { status } = await loaded.commit()
    const { data } = await sessions.load(cookieValue)
    if (!damage.startsWith('subject'))
      expect([status, data['n']]).toEqual(status === 'saved' ? ['saved', 1] : ['gone', undefined])
    await store.touch(key, before, Date.now() + 9e6, Date.now())
    for await (const _ of sessions.listSubject('ann'));
    await sessions.count()
    await sessions.sweep()
    await sum(store.deleteSubject!({ tag: key.tag, id: 'ann' }, Date.now()))
    await store.delete(key, Date.now())
    expect(database.prepare('SELECT count(*) FROM sess_sessions').pluck().get()).toBe(0)
  })

  test('whose revision is too large for a number is a conflict to a write that expects a nearby number', async () => {
    const database = open()
    const store = sqliteStore(database)
    await store.create(keyOf(1), recordOf(1), 0)
    database.exec('UPDATE sess_sessions SET revision = 9007199254740993')
    const near = asExpected({ ...recordOf(1), revision: 2 ** 53 })
    expect(await store.replace(keyOf(1), near, recordOf(2), 0)).toBe('conflict')
    expect(await store.touch(keyOf(1), near, 2e12, 0)).toBe('conflict')
  })
})

describe('the table', () => {
  test('is created once and kept', async () => {
    const file = newFile()
    await sqliteStore(open(file)).create(keyOf(1), recordOf(1), 0)
    expect(await sqliteStore(open(file)).read(keyOf(1), 0)).toEqual(recordOf(1))
  })

  test('may be one of several in a file that share no session', async () => {
    const database = open()
    const [one, other] = [sqliteStore(database), sqliteStore(database, { table: 'other' })]
    await one.create(keyOf(1), recordOf(1), 0)
    expect([await other.read(keyOf(1), 0), await sum(other.count!(0)), await sum(one.count!(0))]).toEqual([
      undefined,
      0,
      1,
    ])
  })

  test('is strict: SQLite itself refuses a row that is no record', () => {
    const database = open()
    sqliteStore(database)
    const insert = "INSERT INTO sess_sessions VALUES ('a', 'b', 'one', 1, NULL, x'00')"
    expect(() => database.exec(insert)).toThrow(/cannot store TEXT value in INTEGER column/)
  })
})

describe('the sweep', () => {
  test('removes records that ended 60 s ago, and no live record', async () => {
    const store = sqliteStore(open())
    for (let i = 1; i <= 5; i++) await store.create(keyOf(i), { ...recordOf(1), expiresAt: i * 10 }, 0)
    const swept: number[] = []
    for (const at of [30, 40, 40]) swept.push(await sum(store.sweep!(GRACE_MS + at)))
    expect(swept).toEqual([3, 1, 0])
    expect(await store.read(keyOf(5), 40)).toMatchObject({ expiresAt: 50 })
  })

  test('uses an index, as does every other statement, however large the table', () => {
    const database = open()
    const statements: string[] = []
    const client = new Proxy(database, {
      get(target, name) {
        if (name === 'prepare')
          return (sql: string) => {
            if (!sql.startsWith('PRAGMA')) statements.push(sql)
            return database.prepare(sql)
          }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    sqliteStore(client)
    // `count` looks at every record, page by page.
    for (const sql of statements) {
      const parameters = Array.from(sql.matchAll(/\?/g), () => 0)
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[]
      for (const { detail } of steps) expect(detail, sql).not.toMatch(/^SCAN (?!CONSTANT ROW|\(subquery)|TEMP B-TREE/)
    }
    expect(statements.length).toBe(10)
  })
})

test('a payload of any bytes up to the limit comes back; a larger payload is refused', async () => {
  const store = sqliteStore(open(), { maxPayloadBytes: 256 })
  const record: SessionRecord = { ...recordOf(1), payload: Uint8Array.from({ length: 256 }, (_, i) => i) }
  await store.create(keyOf(1), record, 0)
  expect(Uint8Array.from((await store.read(keyOf(1), 0))!.payload)).toEqual(record.payload)
  const larger = { ...record, payload: new Uint8Array(257) }
  await expect(store.create(keyOf(2), larger, 0)).rejects.toMatchObject({ code: 'too_large' })
})

test.each<[string, SqliteStoreOptions]>([
  ['table', { table: 'a b' }],
  ['table', { table: '' }],
  ['table', { table: 'x; DROP TABLE y' }],
  ['maxPayloadBytes', { maxPayloadBytes: 0 }],
  ['maxPayloadBytes', { maxPayloadBytes: 500_000_001 }],
])('refuses %s in %j', (option, options) => {
  expect(() => sqliteStore(open(), options)).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^${option} `) }),
  )
})

test('sqliteStore() refuses what is no database', () => {
  expect(() => sqliteStore('sessions.db' as unknown as SqliteClient)).toThrow(/^client must be an open database/)
})
