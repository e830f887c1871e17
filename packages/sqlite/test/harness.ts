import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Connection, Harness } from '@sess/conformance'
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

/** Each namespace is a file. */
export const harness: Harness = {
  name: 'sqlite',
  process: { module: import.meta.url },
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-sqlite-'))
    const file = join(folder, 'sessions.db')
    const connections = [await connect(file)]
    return {
      store: connections[0]!.store,
      argument: file,
      connect: async () => {
        const connection = await connect(file)
        connections.push(connection)
        return connection.store
      },
      close: async () => {
        for (const { close } of connections) await close()
        rmSync(folder, { recursive: true })
      },
    }
  },
}
