import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { waitReplicas } from '@sess/redis'
import { startRedisCluster, type RedisCluster, type TestServer } from '@sess/test-servers'
import { keyOf, recordOf } from '../../redis/test/client.ts'
import { load, type LoadData } from '../../redis/test/load.ts'
import { untilServed } from '../../redis/test/until-served.ts'
import { clusterOf } from '../test/client.ts'
import { redisClusterStore } from './index.ts'

const pepper = 'sixteen bytes or more'
const ports = ({ nodes }: RedisCluster): number[] => nodes.map(({ port }) => port)
let client: Cluster | undefined
afterEach(() => client?.disconnect())

test('a node that was demoted while its connections stayed up redirects its clients: revoked sessions stay revoked', async () => {
  await using servers = await startRedisCluster(3)
  client = clusterOf(ports(servers))
  const sessions = createSessions({ store: redisClusterStore(client), pepper, log: false })
  const cookies = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => (await (await sessions.load(undefined)).login(`user-${i}`)).cookieValue),
  )
  // Until a connection has outlived the demotion of its node: ioredis ends that of a node which a fresh list of nodes leaves out.
  let [next, last] = [servers.nodes.slice(3), servers.nodes.slice(0, 3)]
  let connections: Redis[]
  do {
    connections = client.nodes('master')
    for (const replica of next) await servers.promote(replica)
    ;[next, last] = [last, next]
  } while (!connections.some(({ status }) => status === 'ready'))
  const other = clusterOf(ports(servers))
  const there = createSessions({ store: redisClusterStore(other), pepper, log: false })
  for (let i = 0; i < 30; i++) await untilServed(() => there.revokeSubject(`user-${i}`))
  other.disconnect()
  for (const cookie of cookies) expect((await untilServed(() => sessions.load(cookie))).status).toBe('new')
  const bob = await untilServed(async () => (await sessions.load(undefined)).login('bob'))
  expect(bob).toMatchObject({ status: 'created' })
})

test('if no master can be reached, no call is answered', async () => {
  await using servers = await startRedisCluster(3)
  client = clusterOf(ports(servers))
  const store = redisClusterStore(client)
  // On all masters.
  const keys = Array.from({ length: 30 }, (_, i) => ({ ...keyOf(), tag: String(i).padStart(12, 'x') }))
  for (const key of keys) await store.create(key, recordOf(), Date.now())
  // Only replicas are left: they serve what they have to whoever asks so, for as long as the cluster is not down for them.
  for (const replica of servers.nodes.slice(3)) {
    await servers.cli(replica, 'CONFIG', 'SET', 'cluster-allow-reads-when-down', 'yes')
    await servers.cli(replica, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
  }
  for (const master of servers.nodes.slice(0, 3)) await master.kill()
  const outage = expect.objectContaining({ code: 'store_unavailable' }) as unknown
  const end = performance.now() + 3000
  while (performance.now() < end) {
    const answers = await Promise.allSettled(keys.map((key) => store.read(key, Date.now())))
    expect(answers).toEqual(answers.map(() => ({ status: 'rejected', reason: outage })))
    await delay(10)
  }
})

test('a cluster that is down delays only the first call, by a second, and gives the error of the connection', async () => {
  const servers = await startRedisCluster(3)
  client = clusterOf(ports(servers))
  const store = redisClusterStore(client)
  await store.read(keyOf(), Date.now())
  await servers.stop()
  while (client.status === 'ready') await store.read(keyOf(), Date.now()).catch(() => delay(20))
  await store.read(keyOf(), Date.now()).catch(() => {})
  await delay(1100)
  const began = performance.now()
  await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringMatching(/no connection to Redis: .*(ECONNREFUSED|closed|slots cache)/) as unknown,
  })
  expect(performance.now() - began).toBeLessThan(500)
})

test.each([4, 20])(
  'a master is paused for %d s under load and then resumed: only typed errors, service is restored, and no logout is undone',
  async (seconds) => {
    await using servers = await startRedisCluster(3)
    client = clusterOf(ports(servers), { slotsRefreshInterval: 2000, redisOptions: { socketTimeout: 3000 } })
    const store = redisClusterStore(client, { confirm: waitReplicas(1, 500) })
    const running = load(createSessions<LoadData>({ store, pepper, log: false }), 8)
    await running.more(300)
    const [hung] = servers.nodes as readonly [TestServer]
    await hung.pause()
    const until = performance.now() + seconds * 1000
    await servers.succeeded(hung)
    if (seconds > 10) await running.more(300)
    // The load is full at the moments that matter: when the master stops, while it is replaced, and when it goes on.
    running.rest(100)
    while (performance.now() < until - 500) await delay(20)
    running.rest(0)
    await delay(500)
    hung.resume()
    await running.more(300)
    const { wrong, errors, undoneEnds } = await running.stop()
    expect({ wrong, undoneEnds }).toEqual({ wrong: [], undoneEnds: 0 })
    for (const code of Object.keys(errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
  },
  120_000,
)
