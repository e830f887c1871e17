import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance'
import driver from 'better-sqlite3/package.json' with { type: 'json' }
import manifest from '../package.json' with { type: 'json' }
import { sqliteStore } from '../src/index.ts'

/** Another client of a file: for the kit's other processes, too. */
export async function connect(file: string): Promise<Connection> {
  const database = new Database(file)
  const store = sqliteStore(database)
  return {
    store,
    close: async () => {
      await store.close!()
      database.close()
    },
  }
}

/** The files past the store: the database, its log, and what deleted rows have left behind. */
function rawOf(file: string): Raw {
  const use = async <T>(run: (database: Database.Database) => T): Promise<T> => {
    const database = new Database(file)
    try {
      return run(database)
    } finally {
      database.close()
    }
  }
  const row = 'sess_sessions WHERE tag = ? AND id = ?'
  return {
    read: ({ tag, id }) =>
      use((database) => database.prepare<[string, string], Buffer>(`SELECT payload FROM ${row}`).pluck().get(tag, id)),
    write: ({ tag, id }, bytes) =>
      use((database) => {
        database.prepare(`UPDATE ${row.replace('WHERE', 'SET payload = ? WHERE')}`).run(bytes, tag, id)
      }),
    dump: async () => Buffer.concat(readdirSync(dirname(file)).map((name) => readFileSync(join(dirname(file), name)))),
  }
}

/** Each namespace is a file. */
export const harness: Harness = harnessOf({
  name: 'sqlite',
  module: import.meta.url,
  connect,
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-sqlite-'))
    const file = join(folder, 'sessions.db')
    return { argument: file, raw: rawOf(file), remove: async () => rmSync(folder, { recursive: true }) }
  },
  versions: async () => ({
    [manifest.name]: manifest.version,
    'better-sqlite3': driver.version,
    sqlite: new Database(':memory:').prepare<[], string>('SELECT sqlite_version()').pluck().get()!,
  }),
})
