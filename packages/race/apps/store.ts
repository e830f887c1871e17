import type { Connection } from '@sess/conformance'
import type { SessionStore } from '@sess/core'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'

/**
 * The store that this process was started with: any, as the conformance kit's processes connect to it, by the module
 * STORE_MODULE, and STORE_ARGUMENT for its `connect`; or on the SQLite file of SQLITE_FILE, or the Redis of REDIS_URL.
 */
export async function givenStore(): Promise<SessionStore> {
  const { STORE_MODULE, STORE_ARGUMENT = '', SQLITE_FILE, REDIS_URL } = process.env
  if (STORE_MODULE === undefined)
    return SQLITE_FILE === undefined ? redisStore(new Redis(REDIS_URL!)) : sqliteStore(new Database(SQLITE_FILE))
  const { connect } = (await import(STORE_MODULE)) as { connect(argument: string): Connection | Promise<Connection> }
  return (await connect(STORE_ARGUMENT)).store
}
