import { setTimeout as delay } from 'node:timers/promises'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startSentinels, type SentinelGroup } from '@sess/test-servers'
import { keyOf, recordOf } from '../test/client.ts'
import { load, type LoadData } from '../test/load.ts'
import { untilServed } from '../test/until-served.ts'
import { redisStore } from './index.ts'

let group: SentinelGroup
beforeEach(async () => {
  group = await startSentinels(2)
})
afterEach(() => group.stop())

test('a master is killed under load: no wrong answer, only typed errors, and the same client goes on', async () => {
  const redis = new Redis({
    sentinels: group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    name: group.name,
    sentinelRetryStrategy: () => 50,
    retryStrategy: () => 50,
  })
  redis.on('error', () => {})
  const sessions = createSessions<LoadData>({ store: redisStore(redis), storeTimeout: '5s', log: false })
  const running = load(sessions, 8)
  await running.more(500)
  expect(running.report).toMatchObject({ errors: {}, undoneWrites: 0, undoneEnds: 0 })
  const killed = await group.master()
  // No replica is promoted before the outage was seen: ioredis would bridge a short one, without an error.
  await group.tolerate(3_600_000)
  await killed.kill()
  while (Object.keys(running.report.errors).length === 0) await delay(20)
  await group.tolerate(500)
  while ((await group.master()) === killed) await delay(20)
  await running.more(500)
  const report = await running.stop()
  redis.disconnect()
  expect(report.wrong).toEqual([])
  for (const code of Object.keys(report.errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
}, 300_000)

test.each([
  ['6', Redis],
  ['5', Redis5 as unknown as typeof Redis],
])(
  'ioredis %s: a failover that is announced while the client asks a Sentinel for the master does not end the client',
  async (_, Client) => {
    const [announces, asked] = group.sentinels
    const redis = new Client({
      sentinels: [asked!, announces!].map(({ port }) => ({ host: '127.0.0.1', port })),
      name: group.name,
      failoverDetector: true,
      socketTimeout: 3000,
    })
    redis.on('error', () => {})
    const store = redisStore(redis)
    await once(redis, 'failoverSubscribed')
    await store.create(keyOf(), recordOf(), Date.now())
    const listening = new Redis(announces!.port)
    await listening.subscribe('+switch-master')
    const announced = once(listening, 'message')
    await asked!.pause()
    await (await group.master()).kill()
    await announced
    asked!.resume()
    await untilServed(() => store.create(keyOf(), recordOf(), Date.now()))
    for (const each of [redis, listening]) each.disconnect()
  },
  30_000,
)
