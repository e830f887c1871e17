import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import {
  SELF_SIGNED,
  startRedis,
  startRedisCluster,
  startSentinels,
  type RedisCluster,
  type SentinelGroup,
  type TestServer,
} from '@sess/test-servers'
import { expectUntrusted, live } from '../../redis/test/tls.ts'
import { clientOf, clusterOf, sentinelOf } from '../test/client.ts'
import { redisClusterStore, redisStore } from './index.ts'

const trusted = { tls: true, ca: SELF_SIGNED.cert } as const
const untrusted = { tls: true } as const
let server: TestServer
let group: SentinelGroup
let nodes: RedisCluster
let client: { destroy(): unknown }
beforeAll(async () => {
  server = await startRedis({}, true)
  group = await startSentinels(1, true)
  nodes = await startRedisCluster(3, {}, true)
})
afterEach(() => client.destroy())
afterAll(async () => {
  for (const each of [server, group, nodes]) await each.stop()
})

const portsOf = (servers: readonly TestServer[]): number[] => servers.map(({ port }) => port)
/** Closes a client after the test. */
function own<Client extends { destroy(): unknown }>(made: Client): Client {
  client = made
  return made
}

describe.each([6, 5] as const)('redis %d', (major) => {
  const single = (socket: object): ReturnType<typeof redisStore> =>
    redisStore(own(clientOf(server.port, { major, socket })))
  const sentinels = (socket: object, sentinelSocket: object): ReturnType<typeof redisStore> =>
    redisStore(own(sentinelOf(group.name, portsOf(group.sentinels), { major, socket, sentinelSocket })))
  const cluster = (socket: object): ReturnType<typeof redisStore> =>
    redisClusterStore(own(clusterOf(portsOf(nodes.nodes), { major, socket })))

  test('one server', () => live(single(trusted)))
  test('one server whose certificate is not trusted', () => expectUntrusted(single(untrusted)))
  test('Sentinels, and the master behind them', () => live(sentinels(trusted, trusted)))
  test('Sentinels whose certificate is not trusted', () => expectUntrusted(sentinels(trusted, untrusted)))
  test('a cluster', () => live(cluster(trusted)))
  test('a cluster whose certificate is not trusted', () => expectUntrusted(cluster(untrusted)))
})

// Not with version 5: its destroy() does not end while it cannot reach the master.
test('redis 6: a master behind Sentinels whose certificate is not trusted', () => {
  const options = { socket: untrusted, sentinelSocket: trusted, passthroughClientErrorEvents: true }
  return expectUntrusted(redisStore(own(sentinelOf(group.name, portsOf(group.sentinels), options))))
})
