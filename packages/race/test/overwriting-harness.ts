import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { sqliteStore } from '@sess/sqlite'
import Database from 'better-sqlite3'

/** A store that replaces whatever is there, as most session stores do. */
export async function connect(file: string): Promise<Connection> {
  const database = new Database(file)
  const store = sqliteStore(database)
  const compareAndReplace = store.replace.bind(store)
  store.replace = async (key, expected, next, now) =>
    compareAndReplace(key, (await store.read(key, now)) ?? expected, next, now)
  return {
    store,
    close: async () => {
      await store.close!()
      database.close()
    },
  }
}

/** To be found out. */
export const harness: Harness = harnessOf({
  name: 'overwriting',
  module: import.meta.url,
  connect,
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-race-'))
    return { argument: join(folder, 'sessions.db'), remove: async () => rmSync(folder, { recursive: true }) }
  },
})
