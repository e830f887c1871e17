import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { keyOf, recordOf } from '../../redis/test/client.ts'
import { use } from '../../redis/test/use.ts'
import { clusterOf } from '../test/client.ts'
import { redisClusterStore } from './index.ts'

let servers: RedisCluster
beforeAll(async () => {
  servers = await startRedisCluster(3)
})
afterAll(() => servers.stop())
const ports = (): number[] => servers.nodes.map(({ port }) => port)

test.each([
  [6, 3],
  [6, 2],
  [5, 3],
  [5, 2],
] as const)('the store works with redis %d on RESP%d', async (major, RESP) => {
  const cluster = clusterOf(ports(), { major, RESP })
  await use(redisClusterStore(cluster))
  cluster.destroy()
})

test('a process that is blocked for longer than a command may wait to be sent still sends the command', async () => {
  const cluster = clusterOf(ports())
  const store = redisClusterStore(cluster)
  const key = keyOf()
  await store.create(key, recordOf(), Date.now())
  // In the phase after setImmediate, timers run before the client sends.
  await new Promise((resolve) => setImmediate(resolve))
  const read = store.read(key, Date.now())
  // The client has queued the command after some microtasks.
  for (let i = 0; i < 20; i++) await Promise.resolve()
  const until = performance.now() + 2500
  while (performance.now() < until) continue
  expect(await read).toMatchObject({ revision: 1 })
  cluster.destroy()
})
