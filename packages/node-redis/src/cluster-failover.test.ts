import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { createSessions, type Sessions } from '@sess/core'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { load, type LoadData } from '../../redis/test/load.ts'
import { keyOf, recordOf } from '../../redis/test/client.ts'
import { untilServed } from '../../redis/test/until-served.ts'
import { clusterOf, type TestCluster } from '../test/client.ts'
import { redisClusterStore, waitReplicas } from './index.ts'

const pepper = 'sixteen bytes or more'
let servers: RedisCluster
let cluster: TestCluster
afterEach(async () => {
  if (cluster.isOpen) cluster.destroy()
  await servers.stop()
})

async function start(major: 5 | 6): Promise<Sessions<Partial<LoadData>>> {
  servers = await startRedisCluster(3)
  cluster = clusterOf(
    servers.nodes.map(({ port }) => port),
    { major },
  )
  const store = redisClusterStore(cluster, { confirm: waitReplicas(1, 500) })
  return createSessions<LoadData>({ store, pepper, storeTimeout: '3s', log: false })
}

/** Waits until 100 subjects sign in and their sessions load: so many subjects are spread over all masters. */
async function served(sessions: Sessions<Partial<LoadData>>): Promise<void> {
  const signIn = async (subject: string): Promise<boolean> => {
    const { cookieValue } = await (await sessions.load(undefined)).login(subject)
    return (await sessions.load(cookieValue)).status === 'active'
  }
  for (;;) {
    const known = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => signIn(`subject-${i}`)))
    if (known.every((one) => one.status === 'fulfilled' && one.value)) return
    await delay(20)
  }
}

describe.each([6, 5] as const)('on redis %d', (major) => {
  test('slots move under load: every answer is right, and no write is undone', async () => {
    const running = load(await start(major), 8)
    await running.more(100)
    const [first, second, third] = servers.nodes
    await servers.reshard(first!, second!, 400)
    await servers.reshard(second!, third!, 400)
    await running.more(100)
    const { wrong, undoneWrites, undoneRotations, undoneEnds, errors } = await running.stop()
    expect({ wrong, undone: undoneWrites + undoneRotations + undoneEnds, errors }).toEqual({
      wrong: [],
      undone: 0,
      errors: {},
    })
  }, 600_000)

  test('a master is killed under load: no wrong answer, only typed errors, no logout undone, and full service again', async () => {
    const sessions = await start(major)
    const running = load(sessions, 8)
    await running.more(100)
    const [first] = servers.nodes
    await first!.kill()
    await servers.succeeded(first!)
    await served(sessions)
    await running.more(100)
    const { wrong, errors, undoneEnds } = await running.stop()
    expect({ wrong, undoneEnds }).toEqual({ wrong: [], undoneEnds: 0 })
    for (const code of Object.keys(errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
  }, 600_000)

  test('a node that was demoted while its connections stayed up redirects its clients to the new master', async () => {
    const sessions = await start(major)
    const users = Array.from({ length: 30 }, (_, i) => `user-${i}`)
    const cookies = await Promise.all(
      users.map(async (user) => (await (await sessions.load(undefined)).login(user)).cookieValue),
    )
    for (const replica of servers.nodes.slice(3)) await servers.promote(replica)
    const other = clusterOf(
      servers.nodes.map(({ port }) => port),
      { major },
    )
    const there = createSessions({ store: redisClusterStore(other), pepper, log: false })
    for (const user of users) await untilServed(() => there.revokeSubject(user))
    other.destroy()
    for (const cookie of cookies) expect((await untilServed(() => sessions.load(cookie))).status).toBe('new')
  }, 300_000)
})

test('calls to a node that is down, with no replica to take over, fail at once after the first second, with the error of the connection', async () => {
  await start(6)
  const store = redisClusterStore(cluster)
  const keys = Array.from({ length: 30 }, (_, i) => ({ ...keyOf(), tag: String(i).padStart(12, 'x') }))
  for (const key of keys) await store.create(key, recordOf(), Date.now())
  const [master] = servers.nodes
  for (const node of servers.nodes.slice(3))
    await servers.cli(node, 'CONFIG', 'SET', 'cluster-replica-no-failover', 'yes')
  for (const node of servers.nodes) await servers.cli(node, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no')
  await master!.kill()
  const isDown = (): boolean => cluster.masters.some(({ client }) => client && !client.isReady)
  while (!isDown()) await delay(5)
  const outcomes = async (): Promise<string[]> => {
    const answers = await Promise.allSettled(keys.map((key) => store.read(key, Date.now())))
    return answers.map((answer) => (answer.status === 'fulfilled' ? 'read' : String(answer.reason)))
  }
  await outcomes()
  await delay(1100)
  const began = performance.now()
  const seen = new Set(await outcomes())
  expect(performance.now() - began).toBeLessThan(900)
  expect([...seen].toSorted()).toEqual([expect.stringMatching(/was not sent.*ECONNREFUSED/), 'read'])
  // A write that was not sent rejects with `store_unavailable`, and not with `unknown_outcome`.
  const onDownNode = keys[(await outcomes()).findIndex((outcome) => outcome !== 'read')]!
  await expect(store.delete(onDownNode, Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
}, 300_000)

test('a cluster that is down delays only the first call, by a second, and gives the error of the connection', async () => {
  await start(6)
  const store = redisClusterStore(cluster)
  await store.read(keyOf(), Date.now())
  await servers.stop()
  const isUp = (): boolean => cluster.masters.some(({ client }) => client?.isReady)
  while (isUp()) await delay(20)
  await store.read(keyOf(), Date.now()).catch(() => {})
  await delay(1100)
  const began = performance.now()
  const outage = { code: 'store_unavailable', message: expect.stringMatching(/ECONNREFUSED|closed/) as unknown }
  await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject(outage)
  await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject(outage)
  expect(performance.now() - began).toBeLessThan(500)
}, 300_000)
