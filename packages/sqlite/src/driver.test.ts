import { DatabaseSync } from 'node:sqlite'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sum } from '@sess/core/adapter'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newFile } from '../test/file.ts'
import { keyOf, recordOf } from '../test/record.ts'
import { sqliteStore, type SqliteClient } from './index.ts'

type Closable = SqliteClient & { close(): unknown }

function closing<T extends Closable>(database: T): T {
  onTestFinished(() => void database.close())
  return database
}

/** What a driver's own settings, of those that the README's table names, change for an application's statements. */
const works: Record<string, () => Closable> = {
  'better-sqlite3: defaultSafeIntegers()': () => new Database(newFile()).defaultSafeIntegers(),
  'better-sqlite3: timeout': () => new Database(newFile(), { timeout: 60_000 }),
  'better-sqlite3: verbose': () => new Database(newFile(), { verbose: () => {} }),
  'better-sqlite3: unsafeMode()': () => new Database(newFile()).unsafeMode(),
  'better-sqlite3: in memory': () => new Database(':memory:'),
  'node:sqlite: readBigInts': () => new DatabaseSync(newFile(), { readBigInts: true }),
  'node:sqlite: returnArrays': () => new DatabaseSync(newFile(), { returnArrays: true }),
  'node:sqlite: timeout': () => new DatabaseSync(newFile(), { timeout: 60_000 }),
  'node:sqlite: enableDoubleQuotedStringLiterals': () =>
    new DatabaseSync(newFile(), { enableDoubleQuotedStringLiterals: true }),
  'node:sqlite: enableForeignKeyConstraints': () => new DatabaseSync(newFile(), { enableForeignKeyConstraints: false }),
  'node:sqlite: allowExtension': () => new DatabaseSync(newFile(), { allowExtension: true }),
  'node:sqlite: allowUnknownNamedParameters': () =>
    new DatabaseSync(newFile(), { allowUnknownNamedParameters: true, allowBareNamedParameters: false }),
  'node:sqlite: in memory': () => new DatabaseSync(':memory:'),
}

const refused: Record<string, [() => unknown, RegExp]> = {
  'better-sqlite3: readonly': [
    () => {
      const file = newFile()
      closing(new Database(file)).exec('CREATE TABLE other (a)')
      return closing(new Database(file, { readonly: true }))
    },
    /readonly|cannot be set/,
  ],
  'node:sqlite: readOnly': [
    () => {
      const file = newFile()
      closing(new DatabaseSync(file)).exec('CREATE TABLE other (a)')
      return closing(new DatabaseSync(file, { readOnly: true }))
    },
    /readonly|cannot be set/,
  ],
  'node:sqlite: open: false': [() => new DatabaseSync(newFile(), { open: false }), /is a database that is closed/],
  'a file name': [() => 'sessions.db', /must be an open database/],
  'the constructor': [() => Database, /must be an open database/],
  'a statement': [() => closing(new DatabaseSync(':memory:')).prepare('SELECT 1'), /must be an open database/],
  nothing: [() => undefined, /must be an open database/],
}

describe('a setting of the connection', () => {
  test.each(Object.entries(works))('works: %s', async (_, open) => {
    const store = sqliteStore(closing(open()))
    const record = { ...recordOf(1), subject: 'ann' }
    const subject = { tag: keyOf(1).tag, id: 'ann' }
    expect(await store.create(keyOf(1), record, 0)).toBe(true)
    const read = await store.read(keyOf(1), 0)
    expect([read!.subject, read!.revision, read!.expiresAt]).toEqual(['ann', 1, 1000])
    expect(read!.payload).toHaveLength(0)
    expect(await store.touch(keyOf(1), read!, 2000, 0)).toBe('touched')
    expect(await store.replace(keyOf(1), read!, { ...record, revision: 2, expiresAt: 2000 }, 0)).toBe('replaced')
    expect(await store.replace(keyOf(1), read!, { ...record, revision: 2 }, 0)).toBe('conflict')
    for await (const [key, listed] of store.list!(subject, 0))
      expect([key, listed.revision, listed.expiresAt]).toEqual([keyOf(1), 2, 2000])
    expect(await sum(store.count!(0))).toBe(1)
    expect(await sum(store.sweep!(1e12))).toBe(1)
    expect(await store.create(keyOf(2), record, 0)).toBe(true)
    expect(await sum(store.deleteSubject!(subject, 0))).toBe(1)
    expect(await store.delete(keyOf(2), 0)).toBe(false)
  })

  test('is in the README’s table exactly if it is tried here', () => {
    const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    const table = readme.slice(readme.indexOf('<!-- settings:begin -->'), readme.indexOf('<!-- settings:end -->'))
    const rows = [...table.matchAll(/^\| ([\w-]+3?: ?[^|]+?) +\| (works|refused)/gm)].map(
      ([, name, how]) => `${name} ${how}`,
    )
    const tried = [
      ...Object.keys(works).map((name) => `${name} works`),
      ...Object.keys(refused)
        .filter((name) => name.includes(': '))
        .map((name) => `${name} refused`),
    ]
    expect(rows.toSorted()).toEqual(tried.toSorted())
  })

  test.each(Object.entries(refused))('is refused: %s', (_, [open, message]) => {
    const client = open() as SqliteClient
    expect(() => sqliteStore(client)).toThrow(message)
  })
})

test('a table of another shape is refused by name and not changed', () => {
  const database = closing(new DatabaseSync(newFile()))
  database.exec('CREATE TABLE mine (a)')
  expect(() => sqliteStore(database, { table: 'mine' })).toThrow(
    expect.objectContaining({
      code: 'invalid_option',
      message: expect.stringMatching(/^table is the name of a table without the columns tag/),
    }),
  )
  expect(database.prepare('PRAGMA table_info(mine)').all()).toHaveLength(1)
})

test('bun:sqlite passes the whole kit under Bun', { timeout: 600_000 }, () => {
  const cli = join(import.meta.dirname, '../../../conformance/src/cli.ts')
  const harness = join(import.meta.dirname, '../test/bun-harness.ts')
  const bun = join(import.meta.dirname, '../node_modules/.bin/bun')
  const { status, stdout, stderr } = spawnSync(bun, [cli, harness], { encoding: 'utf8' })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toContain('sqlite on bun:sqlite keeps the contract, version 1.')
})
