import { afterAll, beforeAll, test } from 'vitest'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
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
] as const)('redis %d on RESP%d works', async (major, RESP) => {
  const cluster = clusterOf(ports(), { major, RESP })
  await use(redisClusterStore(cluster))
  cluster.destroy()
})
