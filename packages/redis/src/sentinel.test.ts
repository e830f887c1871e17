import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startSentinels, type SentinelGroup } from '@sess/test-servers'
import { load, type LoadData } from '../test/load.ts'
import { redisStore } from './index.ts'

let group: SentinelGroup
beforeAll(async () => {
  group = await startSentinels(2)
})
afterAll(() => group.stop())

test('a master that is killed under load: no wrong answer, typed errors, and the same client goes on', async () => {
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
}, 60_000)
