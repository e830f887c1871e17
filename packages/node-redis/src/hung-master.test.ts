import { setTimeout as delay } from 'node:timers/promises'
import { createCluster, createSentinel } from 'redis'
import { expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startRedisCluster, startSentinels } from '@sess/test-servers'
import { load, type LoadData } from '../../redis/test/load.ts'
import { redisClusterStore, redisStore, waitReplicas } from './index.ts'

const pepper = 'sixteen bytes or more'
const CODES = ['store_unavailable', 'unknown_outcome']

/** Makes every replica that a failover may promote confirm a logout: both replicas, and after the failover the remaining replica. */
const confirmedBy =
  (count: () => number): ReturnType<typeof waitReplicas> =>
  (client, nothing) =>
    waitReplicas(count(), 500)(client, nothing)

test('a master of Sentinels is paused under load and then resumed: service is restored, and no logout is undone', async () => {
  await using group = await startSentinels(2)
  // The client of the README.
  const sentinel = createSentinel({
    name: group.name,
    sentinelRootNodes: group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    scanInterval: 1000,
  })
  sentinel.on('error', () => {})
  await sentinel.connect()
  let replicas = 2
  const store = redisStore(sentinel, { confirm: confirmedBy(() => replicas) })
  const running = load(createSessions<LoadData>({ store, log: false }), 8)
  await running.more(100)
  const hung = await group.master()
  await hung.pause()
  replicas = 1
  while ((await group.master()) === hung) await delay(20)
  // The application is served again while the old master hangs, and after the old master goes on.
  await running.more(100)
  hung.resume()
  await running.more(100)
  const { wrong, errors, undoneEnds } = await running.stop()
  await sentinel.destroy()
  expect({ wrong, undoneEnds }).toEqual({ wrong: [], undoneEnds: 0 })
  for (const code of Object.keys(errors)) expect(CODES).toContain(code)
}, 450_000)

test('a master of a Cluster is paused under load and then resumed: service is restored, and no logout is undone', async () => {
  await using servers = await startRedisCluster(3)
  // The client of the README.
  const cluster = createCluster({
    rootNodes: servers.nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
  })
  cluster.on('error', () => {})
  await cluster.connect()
  const store = redisClusterStore(cluster, { confirm: waitReplicas(1, 500) })
  const sessions = createSessions<LoadData>({ store, pepper, log: false })
  const running = load(sessions, 8)
  await running.more(100)
  const [hung, other] = servers.nodes
  const id = await servers.cli(hung!, 'CLUSTER', 'MYID')
  await hung!.pause()
  const promoted = new RegExp(`^${id} \\S+ master,fail `, 'm')
  while (!promoted.test(await servers.cli(other!, 'CLUSTER', 'NODES'))) await delay(20)
  for (let each = 0; each < 30; each++) {
    const signIn = async (): Promise<unknown> => (await sessions.load(undefined)).login(`subject-${each}`)
    while (!(await signIn().then(Boolean, () => false))) await delay(20)
  }
  await running.more(100)
  hung!.resume()
  await running.more(100)
  const { wrong, errors, undoneEnds } = await running.stop()
  cluster.destroy()
  expect({ wrong, undoneEnds }).toEqual({ wrong: [], undoneEnds: 0 })
  for (const code of Object.keys(errors)) expect(CODES).toContain(code)
}, 450_000)
