// What express-session and @fastify/session keep their sessions in: connect-redis, or SessStore over a store of @sess.
import { SessStore } from '@sess/express-session'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import Database from 'better-sqlite3'
import { RedisStore } from 'connect-redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'

/** The store that HOST_STORE names, on the Redis of REDIS_URL or the SQLite file of SQLITE_FILE. */
export async function hostStore(): Promise<RedisStore | SessStore> {
  const { HOST_STORE, REDIS_URL, SQLITE_FILE } = process.env
  if (HOST_STORE === 'SessStore') {
    const store = SQLITE_FILE ? sqliteStore(new Database(SQLITE_FILE)) : redisStore(new Redis(REDIS_URL!))
    return new SessStore({ store })
  }
  const client = createClient({ url: REDIS_URL! })
  await client.connect()
  return new RedisStore({ client })
}
