import type { SessionStore } from '@sess/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { asExpected, sum } from '@sess/core/adapter'
import { rowsOf } from '../test/databases.ts'
import { newFile, open, openBy } from '../test/file.ts'
import { betterSqlite3 } from '../test/harness.ts'
import { nodeSqlite } from '../test/node-harness.ts'
import { keyOf, recordOf } from '../test/record.ts'
import { sqliteStore, type SqliteClient, type SqliteStatement } from './index.ts'

afterEach(() => void vi.restoreAllMocks())

/** Every method, called with what would work. */
const calls: Record<string, (store: SessionStore) => Promise<unknown>> = {
  read: (store) => store.read(keyOf(1), 0),
  create: (store) => store.create(keyOf(2), recordOf(1), 0),
  replace: (store) => store.replace(keyOf(1), asExpected(recordOf(1)), recordOf(2), 0),
  touch: (store) => store.touch(keyOf(1), asExpected(recordOf(1)), 2000, 0),
  delete: (store) => store.delete(keyOf(1), 0),
  list: (store) => Array.fromAsync(store.list!({ id: 'ann', tag: keyOf(1).tag }, 0)),
  deleteSubject: (store) => sum(store.deleteSubject!({ id: 'ann', tag: keyOf(1).tag }, 0)),
  count: (store) => sum(store.count!(0)),
  sweep: (store) => sum(store.sweep!(0)),
}

/** A client that tells of every insert that is run. */
function counting(database: SqliteClient, onInsert: () => void): SqliteClient {
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'prepare') return value.bind(target)
      return (sql: string): SqliteStatement => {
        const statement = target.prepare(sql)
        if (!sql.startsWith('INSERT')) return statement
        const run = statement.run.bind(statement)
        return Object.assign(statement, {
          run: (...values: never[]) => {
            onInsert()
            return run(...values)
          },
        })
      }
    },
  })
}

describe.each([betterSqlite3, nodeSqlite])('$name', (driver) => {
  describe("inside the caller's transaction", () => {
    test.each(Object.entries(calls))(
      '%s is refused, because a rollback would undo an acknowledged write',
      async (_, call) => {
        const database = openBy(driver)
        const store = sqliteStore(database)
        await store.create(keyOf(1), recordOf(1), 0)
        database.exec('BEGIN')
        await expect(call(store)).rejects.toMatchObject({
          code: 'unsupported',
          message: expect.stringContaining('a connection of its own'),
        })
        database.exec('ROLLBACK')
        expect(await store.read(keyOf(1), 0)).toMatchObject({ revision: 1, expiresAt: 1000 })
        expect(await sum(store.count!(0))).toBe(1)
      },
    )

    test('sqliteStore() is refused, too', () => {
      const database = openBy(driver)
      database.exec('BEGIN')
      expect(() => sqliteStore(database)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    })
  })

  describe('a call while another connection holds the lock', () => {
    test('waits while the event loop goes on', async () => {
      const file = newFile()
      const store = sqliteStore(openBy(driver, file))
      const other = openBy(driver, file)
      other.exec('BEGIN IMMEDIATE')
      const created = store.create(keyOf(1), recordOf(1), 0)
      // Readers are not held up by a writer.
      for (let turn = 0; turn < 5; turn++) expect(await store.read(keyOf(1), 0)).toBeUndefined()
      other.exec('COMMIT')
      expect(await created).toBe(true)
    })

    test('takes turns: of all waiting calls only one at a time tries for the lock', async () => {
      const file = newFile()
      const database = openBy(driver, file)
      let tries = 0
      const store = sqliteStore(counting(database, () => tries++))
      const other = openBy(driver, file)
      other.exec('BEGIN IMMEDIATE')
      const created = Array.from({ length: 100 }, (_, i) => store.create(keyOf(i), recordOf(1), 0))
      await store.read(keyOf(1), 0)
      // The first call tried, and the others wait behind it.
      expect(tries).toBe(1)
      other.exec('COMMIT')
      expect(await Promise.all(created)).toEqual(created.map(() => true))
    })

    test('gives up after a limited time: nothing was written, and the error says so', async () => {
      const file = newFile()
      const store = sqliteStore(openBy(driver, file))
      const other = openBy(driver, file)
      other.exec('BEGIN IMMEDIATE')
      let now = 0
      vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
      await expect(store.create(keyOf(1), recordOf(1), 0)).rejects.toMatchObject({
        code: 'store_unavailable',
        cause: expect.objectContaining({ message: 'database is locked' }),
      })
      other.exec('COMMIT')
      expect(await store.read(keyOf(1), 0)).toBeUndefined()
    })
  })

  test('a full disk is an error, and no stored session is lost', async () => {
    const database = openBy(driver)
    const store = sqliteStore(database)
    await store.create(keyOf(1), recordOf(1), 0)
    const [{ page_count: pages }] = rowsOf<{ page_count: number }>(database, 'PRAGMA page_count') as [
      { page_count: number },
    ]
    database.exec(`PRAGMA max_page_count = ${pages}`)
    const large = recordOf(2, 'x'.repeat(500_000))
    await expect(store.replace(keyOf(1), asExpected(recordOf(1)), large, 0)).rejects.toMatchObject({
      code: 'store_full',
    })
    expect(await store.read(keyOf(1), 0)).toMatchObject({ revision: 1, expiresAt: 1000 })
    database.exec('PRAGMA max_page_count = 100000')
    expect(await store.replace(keyOf(1), asExpected(recordOf(1)), large, 0)).toBe('replaced')
  })

  test('a read-only file is an error that says where to look', async () => {
    const database = openBy(driver)
    const store = sqliteStore(database)
    database.exec('PRAGMA query_only = ON')
    await expect(store.create(keyOf(1), recordOf(1), 0)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('permissions'),
    })
  })

  test('a closed database is an error', async () => {
    const database = openBy(driver)
    const store = sqliteStore(database)
    database.close()
    await expect(store.read(keyOf(1), 0)).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('an open iteration of the same connection', () => {
  test('delays writes of better-sqlite3 until it has ended', async () => {
    const database = open()
    const store = sqliteStore(database)
    await store.create(keyOf(1), recordOf(1), 0)
    const rows = database.prepare('SELECT 1').iterate()
    rows.next()
    const created = store.create(keyOf(2), recordOf(1), 0)
    expect(await store.read(keyOf(1), 0)).toMatchObject({ revision: 1, expiresAt: 1000 })
    rows.return!()
    expect(await created).toBe(true)
  })

  test('that does not end makes writes fail: nothing was written, and the error says what to do', async () => {
    const database = open()
    const store = sqliteStore(database)
    const rows = database.prepare('SELECT 1').iterate()
    rows.next()
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
    await expect(store.create(keyOf(1), recordOf(1), 0)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('a connection of its own'),
    })
    rows.return!()
    expect(await store.read(keyOf(1), 0)).toBeUndefined()
  })
})
