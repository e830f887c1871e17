import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import { harnessOf, type Connection, type Harness } from '@sess/conformance'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import { startRedis, type TestServer } from '@sess/test-servers'
import { tieredStore } from '../src/index.ts'

/** Where a namespace is. */
interface Place {
  readonly file: string
  readonly port: number
  readonly prefix: string
}

/** Another client of a namespace: for the kit's other processes, too. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { file, port, prefix } = JSON.parse(argument) as Place
  const database = new Database(file)
  const client = new Redis(port, '127.0.0.1')
  const origin = sqliteStore(database)
  return {
    store: tieredStore({ cache: redisStore(client, { prefix }), origin }),
    close: async () => {
      await origin.close!()
      database.close()
      await client.quit()
    },
  }
}

let server: Promise<TestServer> | undefined

/** One cache, in Redis, that all clients share, before one SQLite file for each namespace. */
export const harness: Harness = harnessOf({
  name: 'tiered: Redis before SQLite',
  module: import.meta.url,
  connect,
  make: async () => {
    const { port } = await (server ??= startRedis())
    const folder = mkdtempSync(join(tmpdir(), 'sess-tiered-'))
    const place: Place = { file: join(folder, 'sessions.db'), port, prefix: `${randomBytes(6).toString('hex')}:` }
    return { argument: JSON.stringify(place), remove: async () => rmSync(folder, { recursive: true }) }
  },
})
