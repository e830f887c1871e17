import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startSentinels, type SentinelGroup } from '@sess/test-servers'
import { load, type LoadData } from '../../redis/test/load.ts'
import { use } from '../../redis/test/use.ts'
import { sentinelOf } from '../test/client.ts'
import { redisStore, waitReplicas } from './index.ts'

/** Makes every replica that a failover may promote confirm a logout: both replicas, and after the failover the remaining replica. */
const confirmedBy =
  (count: () => number): ReturnType<typeof waitReplicas> =>
  (client, nothing) =>
    waitReplicas(count(), 500)(client, nothing)

let group: SentinelGroup
beforeAll(async () => {
  group = await startSentinels(2)
})
afterAll(() => group.stop())

const ports = (): number[] => group.sentinels.map(({ port }) => port)

test.each([5, 6] as const)('redis %d: a store on Sentinels works', async (major) => {
  const sentinel = sentinelOf(group.name, ports(), { major })
  await use(redisStore(sentinel))
  await sentinel.destroy()
})

test.each([5, 6] as const)(
  'redis %d: a master is killed under load: no wrong answer, only typed errors, no logout undone, and the same client goes on',
  async (major) => {
    const sentinel = sentinelOf(group.name, ports(), { major })
    let replicas = 2
    const store = redisStore(sentinel, { confirm: confirmedBy(() => replicas) })
    const sessions = createSessions<LoadData>({ store, storeTimeout: '5s', log: false })
    const running = load(sessions, 8)
    await running.more(500)
    expect(running.report).toMatchObject({ errors: {}, undoneWrites: 0, undoneEnds: 0 })
    const killed = await group.master()
    // No replica is promoted before a call has failed.
    await group.tolerate(3_600_000)
    await killed.kill()
    replicas = 1
    while (Object.keys(running.report.errors).length === 0) await delay(20)
    await group.tolerate(500)
    while ((await group.master()) === killed) await delay(20)
    await running.more(500)
    const report = await running.stop()
    await sentinel.destroy()
    expect({ wrong: report.wrong, undone: report.undoneEnds }).toEqual({ wrong: [], undone: 0 })
    for (const code of Object.keys(report.errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
    await killed.restart()
  },
  60_000,
)
