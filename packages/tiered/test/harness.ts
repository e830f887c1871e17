import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import sqliteDriver from 'better-sqlite3/package.json' with { type: 'json' }
import redisDriver from 'ioredis/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import { startRedis, type TestServer } from '@sess/test-servers'
import { clientOf, disconnect } from '../../redis/test/client.ts'
import { Namespaces, rawOf, versionOf } from '../../redis/test/stored.ts'
import manifest from '../package.json' with { type: 'json' }
import { tieredStore } from '../src/index.ts'

/** How long a request waits for the cache, in ms: the machine may be busy, and the kit looks at what the cache holds. */
const CACHE_TIMEOUT_MS = 5000

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
  const client = clientOf(port)
  const [cache, origin] = [redisStore(client, { prefix }), sqliteStore(database)]
  return {
    store: tieredStore({ cache, origin, cacheTimeoutMs: CACHE_TIMEOUT_MS }),
    close: async () => {
      await cache.close!()
      await origin.close!()
      database.close()
      await disconnect(client)
    },
  }
}

let started: Promise<TestServer> | undefined
const server = (): Promise<TestServer> => (started ??= startRedis())
const namespaces = new Namespaces()

/**
 * One cache, in Redis, that all clients share, before one SQLite file for each namespace. Redis is started with the first,
 * goes with this process, and a restart of it loses the cache. Without a connection to it all goes on, so that connections
 * are no trouble for the kit to make.
 */
export const harness: Harness = harnessOf({
  name: 'tiered: Redis before SQLite',
  module: import.meta.url,
  connect,
  make: async () => {
    const redis = await server()
    namespaces.opened()
    // What is left there by an interrupted run goes with the server.
    const folder = mkdtempSync(join(redis.folder, 'sqlite-'))
    const place: Place = {
      file: join(folder, 'sessions.db'),
      port: redis.port,
      prefix: `${randomBytes(6).toString('hex')}:`,
    }
    const admin = clientOf(redis.port)
    const cached = rawOf(admin, () => [admin], place.prefix)
    return {
      argument: JSON.stringify(place),
      raw: {
        ...cached,
        dump: async () =>
          Buffer.concat([await cached.dump(), ...readdirSync(folder).map((name) => readFileSync(join(folder, name)))]),
      },
      restart: async () => {
        await redis.kill()
        await redis.restart()
      },
      remove: async () => {
        await disconnect(admin)
        rmSync(folder, { recursive: true })
        await namespaces.closed(redis.port)
      },
    }
  },
  versions: async () => ({
    [manifest.name]: manifest.version,
    ioredis: redisDriver.version,
    redis: await versionOf((await server()).port),
    'better-sqlite3': sqliteDriver.version,
    sqlite: new Database(':memory:').prepare<[], string>('SELECT sqlite_version()').pluck().get()!,
  }),
})
