// Spreads sessions over a cluster of three masters, and says how many each has.
import { parseArgs } from 'node:util'
import { createSessions } from '@sess/core'
import { startRedisCluster } from '@sess/test-servers'
import { redisClusterStore } from '@sess/redis-cluster'
import { clusterOf } from '../packages/redis-cluster/test/client.ts'

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '100000' } } })
const total = Number(values.sessions)

await using servers = await startRedisCluster(3)
const cluster = clusterOf(
  servers.nodes.map(({ port }) => port),
  { enableAutoPipelining: true },
)
const sessions = createSessions<{ n: number }>({
  store: redisClusterStore(cluster),
  pepper: 'sixteen bytes or more',
})
for (let i = 0; i < total; i += 1000)
  await Promise.all(
    Array.from({ length: 1000 }, async (_, j) => {
      const session = await sessions.load(undefined)
      session.data.n = j
      // Half of them anonymous, half signed in, two for each user.
      await (j % 2 ? session.commit() : session.login(`user-${Math.floor((i + j) / 4)}`))
    }),
  )
const counts: number[] = []
for (const node of cluster.nodes('master')) {
  let count = 0
  for await (const keys of node.scanStream({ match: '*}????????????????', count: 1000 }) as AsyncIterable<string[]>)
    count += keys.length
  counts.push(count)
}
const mean = counts.reduce((sum, count) => sum + count) / counts.length
console.log(
  `${await sessions.count()} sessions: ${counts.join(', ')}; the largest is ${(Math.max(...counts) / mean).toFixed(3)} of the mean`,
)
cluster.disconnect()
if (Math.max(...counts) > 1.1 * mean) process.exitCode = 1
