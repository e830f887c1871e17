import { Cluster, type ClusterOptions } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { SELF_SIGNED, startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { expectUntrusted, live } from '../../redis/test/tls.ts'
import { redisClusterStore } from './index.ts'

let servers: RedisCluster
let cluster: Cluster
beforeAll(async () => {
  servers = await startRedisCluster(3, {}, true)
})
afterEach(() => cluster.disconnect())
afterAll(() => servers.stop())

describe.each([
  ['6', Cluster],
  ['5', Cluster5 as unknown as typeof Cluster],
])('ioredis %s', (_, Client) => {
  /** A client with the options of the README, and these for TLS. */
  const clusterOf = (tls: NonNullable<ClusterOptions['redisOptions']>['tls']): Cluster => {
    cluster = new Client(
      servers.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      { slotsRefreshInterval: 2000, redisOptions: { socketTimeout: 3000, tls } },
    )
    cluster.on('error', () => {})
    return cluster
  }

  test('a cluster', () => live(redisClusterStore(clusterOf({ ca: SELF_SIGNED.cert }))))

  // ioredis does not say why.
  test('a cluster whose certificate is not trusted', () =>
    expectUntrusted(redisClusterStore(clusterOf({})), /Failed to refresh slots cache|Connection is closed/))
})
