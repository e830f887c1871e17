// Signs a user out of ten sessions among 200,000 others, and does the same the usual way: SCAN all, GET each.
import { parseArgs } from 'node:util'
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createSessions } from '@sess/core'
import { startRedis } from '@sess/test-servers'
import { redisStore } from '@sess/redis'

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '200000' } } })
const total = Number(values.sessions)
const TURNS = 20

await using server = await startRedis()
const redis = new Redis(server.port, { enableAutoPipelining: true })
const sessions = createSessions({ store: redisStore(redis) })

async function signIn(user: string, times: number): Promise<void> {
  await Promise.all(Array.from({ length: times }, async () => (await sessions.load(undefined)).login(user)))
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}

/** What an app does whose sessions are JSON under keys that say nothing. */
async function scanAndGet(user: string): Promise<number> {
  let ended = 0
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', 'plain:*', 'COUNT', 1000)
    cursor = next
    await Promise.all(
      keys.map(async (key) => {
        const text = await redis.get(key)
        if (text !== null && (JSON.parse(text) as { user: string }).user === user) ended += await redis.del(key)
      }),
    )
  } while (cursor !== '0')
  return ended
}

for (let i = 0; i < total; i += 1000)
  await Promise.all(Array.from({ length: 1000 / 2 }, (_, j) => signIn(`user-${i + j}`, 2)))
console.log(`${await sessions.count()} sessions of ${total / 2} users`)
const times: number[] = []
for (let turn = 0; turn < TURNS; turn++) {
  await signIn('ann', 10)
  times.push(await timed(() => sessions.revokeSubject('ann')))
}
times.sort((a, b) => a - b)
console.log(`revokeSubject of 10: median ${times[TURNS / 2]?.toFixed(2)} ms, worst ${times.at(-1)!.toFixed(2)} ms`)

await redis.flushall()
for (let i = 0; i < total; i += 1000)
  await Promise.all(
    Array.from({ length: 1000 }, (_, j) =>
      redis.set(`plain:${randomBytes(18).toString('base64url')}`, JSON.stringify({ user: `user-${(i + j) % 20_000}` })),
    ),
  )
const scanned = await timed(() => scanAndGet('user-1'))
console.log(`SCAN all, GET each, for the 10 of a user: ${(scanned / 1000).toFixed(2)} s, with auto-pipelining`)
redis.disconnect()
