import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type SessionStore } from '@sess/core'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import { startRedis } from '@sess/test-servers'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'

/** A store for a test, gone with it. */
export interface OpenStore extends AsyncDisposable {
  readonly store: SessionStore
  /** Where its files are, if it has any. */
  readonly folder?: string
}

/** Where sessions are kept, by name; as many as SESS_STORES asks for. */
export const stores: Readonly<Record<string, () => Promise<OpenStore>>> = Object.fromEntries(
  Object.entries({ memory: openMemory, sqlite: openSqlite, redis: openRedis }).filter(
    ([name]) => process.env['SESS_STORES']?.split(',').some((wanted) => wanted.trim() === name) ?? true,
  ),
)

async function openMemory(): Promise<OpenStore> {
  return { store: memoryStore(), [Symbol.asyncDispose]: async () => {} }
}

/** SQLite in a folder of its own. */
export async function openSqlite(): Promise<OpenStore> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-express-session-'))
  const database = new Database(join(folder, 'sessions.db'))
  return {
    store: sqliteStore(database),
    folder,
    [Symbol.asyncDispose]: async () => {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

async function openRedis(): Promise<OpenStore> {
  const server = await startRedis()
  const client = new Redis(server.port, '127.0.0.1')
  return {
    store: redisStore(client),
    [Symbol.asyncDispose]: async () => {
      client.disconnect()
      await server[Symbol.asyncDispose]()
    },
  }
}
