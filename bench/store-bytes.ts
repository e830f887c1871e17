// How many bytes a signed-in session takes in each store: what its server, or its file, grows by for each.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { createSessions, type SessionStore } from '@sess/core'
import { memcachedStore } from '@sess/memcached'
import { migrate, postgresStore } from '@sess/postgres'
import { redisStore } from '@sess/redis'
import { sqliteStore } from '@sess/sqlite'
import { startMemcached, startPostgres, startRedis } from '@sess/test-servers'
import { Redis } from 'ioredis'
import { Client } from 'memjs'
import { Pool } from 'pg'

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '10000' }, data: { type: 'string', default: '500' } },
})
const count = Number(values.sessions)
const text = 'x'.repeat(Number(values.data))
const AT_ONCE = 50

/** Signs in so many users, each with the same amount of data. */
async function fill(store: SessionStore): Promise<void> {
  const sessions = createSessions({ store })
  for (let i = 0; i < count; i += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, j) => {
        const session = await sessions.load(undefined)
        session.data['text'] = text
        await session.login(`user-${i + j}`)
      }),
    )
  await sessions.close()
}

async function measured(name: string, store: SessionStore, bytes: () => number | Promise<number>): Promise<void> {
  const before = await bytes()
  await fill(store)
  const each = ((await bytes()) - before) / count
  console.log(`${name.padEnd(10)} ${Math.round(each)} bytes for each session`)
}

console.log(`${count} sessions of as many users, with ${text.length} bytes of data each`)
{
  const folder = mkdtempSync(join(tmpdir(), 'sess-bytes-'))
  const file = join(folder, 'sessions.db')
  const database = new DatabaseSync(file)
  await measured('sqlite', sqliteStore(database), () => {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return statSync(file).size
  })
  database.close()
  rmSync(folder, { recursive: true })
}
{
  await using server = await startRedis()
  const redis = new Redis(server.port)
  await measured('redis', redisStore(redis), async () =>
    Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1]),
  )
  redis.disconnect()
}
{
  await using server = await startPostgres()
  const pool = new Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' })
  await migrate(pool)
  const bytes = async (): Promise<number> => {
    const { rows } = await pool.query<{ size: string }>(`SELECT pg_total_relation_size('sess_sessions') AS size`)
    return Number(rows[0]!.size)
  }
  await measured('postgres', postgresStore(pool), bytes)
  await pool.end()
}
{
  await using server = await startMemcached()
  const client = Client.create(`127.0.0.1:${server.port}`)
  const bytes = (): Promise<number> =>
    new Promise((resolve, reject) =>
      client.stats((error: Error | null, _server: unknown, stats: Record<string, string> | null) =>
        error ? reject(error) : resolve(Number(stats!['bytes'])),
      ),
    )
  await measured('memcached', memcachedStore(client), bytes)
  client.close()
}
