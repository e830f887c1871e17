import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis, startRedisCluster, type RedisCluster, type TestServer } from '@sess/test-servers'
import { grantIn } from '../../redis/test/stored.ts'
import { use } from '../../redis/test/use.ts'
import { clientOf, clusterOf } from '../test/client.ts'
import { redisClusterStore, redisStore } from './index.ts'

const user = grantIn(new URL('..', import.meta.url))
const rights = { username: 'sess', password: 'secret' }
let server: TestServer
let nodes: RedisCluster
beforeAll(async () => {
  server = await startRedis({ user })
  nodes = await startRedisCluster(3, { user })
})
afterAll(async () => {
  await server.stop()
  await nodes.stop()
})

const MODES = [
  { major: 6, RESP: 3 },
  { major: 6, RESP: 2 },
  { major: 5, RESP: 3 },
  { major: 5, RESP: 2 },
] as const

test.each(MODES)('the rights that the README grants suffice for redis $major on RESP$RESP', async (mode) => {
  const client = clientOf(server.port, { ...mode, ...rights })
  await use(redisStore(client))
  client.destroy()
  const cluster = clusterOf(
    nodes.nodes.map(({ port }) => port),
    { ...mode, ...rights },
  )
  await use(redisClusterStore(cluster))
  cluster.destroy()
})

test('the rights that the README grants include no KEYS, CONFIG or FLUSHALL', async () => {
  for (const command of [['KEYS', '*'], ['CONFIG', 'GET', '*'], ['FLUSHALL']])
    expect(await nodes.cli(nodes.nodes[0]!, 'ACL', 'DRYRUN', 'sess', ...command)).toMatch(/no permissions/)
})
