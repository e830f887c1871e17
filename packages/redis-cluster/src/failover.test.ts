import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createSessions, type Sessions } from '@sess/core'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { load, type Load, type LoadData } from '../../redis/test/load.ts'
import { clusterOf } from '../test/client.ts'
import { redisClusterStore } from './index.ts'

let servers: RedisCluster
let clients: Cluster[] = []
let sessions: Sessions<Partial<LoadData>>[] = []
let loads: Load[] = []
beforeAll(async () => {
  servers = await startRedisCluster(3)
})
afterEach(stop)
afterAll(() => servers.stop())

/** Two clients, one with auto-pipelining, as two server processes have. */
function start(): void {
  clients = [false, true].map((enableAutoPipelining) =>
    clusterOf(
      servers.nodes.map(({ port }) => port),
      { enableAutoPipelining },
    ),
  )
  sessions = clients.map((client, i) => {
    const options = { pepper: 'sixteen bytes or more', storeTimeout: '2s', log: false } as const
    return createSessions<LoadData>({ store: redisClusterStore(client, { prefix: `sess-${i}:` }), ...options })
  })
  loads = sessions.map((each) => load(each, 8))
}

/** Waits until each client had so many more answers. */
async function more(count: number): Promise<void> {
  await Promise.all(loads.map((each) => each.more(count)))
}

async function stop(): Promise<Load['report'][]> {
  const reports = await Promise.all(loads.map((each) => each.stop()))
  for (const client of clients) client.disconnect()
  return reports
}

test('slots move under load: every answer is right, and no write is undone', async () => {
  start()
  await more(200)
  const [first, second, third] = servers.nodes
  await servers.reshard(first!, second!, 800)
  await servers.reshard(second!, third!, 800)
  await more(200)
  for (const { wrong, undoneWrites, undoneRotations, undoneEnds, errors } of await stop()) {
    expect({ wrong, undone: undoneWrites + undoneRotations + undoneEnds, errors }).toEqual({
      wrong: [],
      undone: 0,
      errors: {},
    })
  }
}, 600_000)

test('a master is killed under load: no wrong answer, only typed errors, and full service again', async () => {
  start()
  await more(200)
  const [first, second] = servers.nodes
  const id = await servers.cli(first!, 'CLUSTER', 'MYID')
  await first!.kill()
  const promoted = new RegExp(`${id} \\S+ master,fail `)
  while (!promoted.test(await servers.cli(second!, 'CLUSTER', 'NODES')) || !(await isWhole())) await delay(20)
  for (const each of sessions) while (!(await servesAll(each))) await delay(20)
  await more(500)
  for (const { wrong, errors } of await stop()) {
    expect(wrong).toEqual([])
    expect(Object.keys(errors).every((code) => ['store_unavailable', 'unknown_outcome'].includes(code))).toBe(true)
  }
}, 600_000)

/** Whether subjects on all masters, as so many are, sign in and are known then. */
async function servesAll(each: Sessions<Partial<LoadData>>): Promise<boolean> {
  const signIn = async (subject: string): Promise<boolean> => {
    const { cookieValue } = await (await each.load(undefined)).login(subject)
    return (await each.load(cookieValue)).status === 'active'
  }
  const known = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => signIn(`subject-${i}`)))
  return known.every((one) => one.status === 'fulfilled' && one.value)
}

const isWhole = async (): Promise<boolean> =>
  (await servers.cli(servers.nodes[1]!, 'CLUSTER', 'INFO')).includes('cluster_state:ok')
