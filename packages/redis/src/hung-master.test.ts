import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startSentinels } from '@sess/test-servers'
import { load, type LoadData } from '../test/load.ts'
import { redisStore, waitReplicas } from './index.ts'

/** Every replica that a failover may promote confirms a logout: both, and once one of them was promoted the other. */
const confirmedBy =
  (count: () => number): ReturnType<typeof waitReplicas> =>
  (client, nothing) =>
    waitReplicas(count(), 500)(client, nothing)

test.each([4, 20])(
  'a master is paused for %d s under load and then resumed: only typed errors, service is restored, and no logout is undone',
  async (seconds) => {
    await using group = await startSentinels(2)
    // As the README makes it.
    const redis = new Redis({
      name: group.name,
      sentinels: group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      failoverDetector: true,
      socketTimeout: 3000,
    })
    redis.on('error', () => {})
    let replicas = 2
    const store = redisStore(redis, { confirm: confirmedBy(() => replicas) })
    const running = load(createSessions<LoadData>({ store, log: false }), 8)
    await running.more(300)
    const hung = await group.master()
    await hung.pause()
    replicas = 1
    const until = performance.now() + seconds * 1000
    while ((await group.master()) === hung) await delay(20)
    // Well again while it hangs, or soon after it goes on.
    if (seconds > 10) await running.more(300)
    // The load is full at the moments that matter: when the master stops, while it is replaced, and when it goes on.
    running.rest(100)
    while (performance.now() < until - 500) await delay(20)
    running.rest(0)
    await delay(500)
    hung.resume()
    await running.more(300)
    const { wrong, errors, undoneEnds } = await running.stop()
    redis.disconnect()
    expect({ wrong, undoneEnds }).toEqual({ wrong: [], undoneEnds: 0 })
    for (const code of Object.keys(errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
  },
  90_000,
)
