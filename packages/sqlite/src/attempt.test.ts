import type { SessionStore } from '@sess/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { asExpected, sum } from '@sess/core/adapter'
import { newFile, open } from '../test/file.ts'
import { keyOf, recordOf } from '../test/record.ts'
import { sqliteStore } from './index.ts'

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

describe("inside the caller's transaction", () => {
  test.each(Object.entries(calls))('%s refuses: a rollback would undo what was acknowledged', async (_, call) => {
    const database = open()
    const store = sqliteStore(database)
    await store.create(keyOf(1), recordOf(1), 0)
    database.exec('BEGIN')
    await expect(call(store)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('a connection of its own'),
    })
    database.exec('ROLLBACK')
    expect(await store.read(keyOf(1), 0)).toEqual(recordOf(1))
    expect(await sum(store.count!(0))).toBe(1)
  })

  test('a store is not made, either', () => {
    const database = open()
    database.exec('BEGIN')
    expect(() => sqliteStore(database)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })
})

describe('a lock that another connection holds', () => {
  test('is waited for, while the event loop goes on', async () => {
    const file = newFile()
    const store = sqliteStore(open(file))
    const other = open(file)
    other.exec('BEGIN IMMEDIATE')
    const created = store.create(keyOf(1), recordOf(1), 0)
    // Readers are not held up by a writer.
    for (let turn = 0; turn < 5; turn++) expect(await store.read(keyOf(1), 0)).toBeUndefined()
    other.exec('COMMIT')
    expect(await created).toBe(true)
  })

  test('is not waited for without end: nothing was written, and the error says so', async () => {
    const file = newFile()
    const store = sqliteStore(open(file))
    const other = open(file)
    other.exec('BEGIN IMMEDIATE')
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
    await expect(store.create(keyOf(1), recordOf(1), 0)).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { code: 'SQLITE_BUSY' },
    })
    other.exec('COMMIT')
    expect(await store.read(keyOf(1), 0)).toBeUndefined()
  })
})

test('a full disk is an error, and loses nothing', async () => {
  const database = open()
  const store = sqliteStore(database)
  await store.create(keyOf(1), recordOf(1), 0)
  database.pragma(`max_page_count = ${String(database.pragma('page_count', { simple: true }))}`)
  const large = recordOf(2, 'x'.repeat(500_000))
  await expect(store.replace(keyOf(1), asExpected(recordOf(1)), large, 0)).rejects.toMatchObject({ code: 'store_full' })
  expect(await store.read(keyOf(1), 0)).toEqual(recordOf(1))
  database.pragma('max_page_count = 100000')
  expect(await store.replace(keyOf(1), asExpected(recordOf(1)), large, 0)).toBe('replaced')
})

test('a file that may not be written is an error that names where to look', async () => {
  const database = open()
  const store = sqliteStore(database)
  database.pragma('query_only = ON')
  await expect(store.create(keyOf(1), recordOf(1), 0)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringContaining('permissions'),
  })
})

test('a database that was closed is an error', async () => {
  const database = open()
  const store = sqliteStore(database)
  database.close()
  await expect(store.read(keyOf(1), 0)).rejects.toMatchObject({ code: 'store_unavailable' })
})
