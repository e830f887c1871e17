import { afterAll, beforeAll } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { harnessOn } from '../test/harness.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster(3)
})
afterAll(() => cluster.stop())

const ports = (): number[] => cluster.nodes.map(({ port }) => port)

conformance(harnessOn('redis-cluster', ports))
conformance(harnessOn('redis-cluster with auto-pipelining', ports, true))
