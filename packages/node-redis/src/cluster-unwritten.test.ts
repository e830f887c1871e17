import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startRedisCluster, tap, type RedisCluster, type Tap } from '@sess/test-servers'
import { clusterOf as clientOf } from '../test/client.ts'
import { clusterOf, type Cluster } from './cluster.ts'
import type { NodeRedisClient, NodeRedisCluster } from './client.ts'
import { keyIn } from './slot.ts'

let servers: RedisCluster
let ways: Tap[]
beforeAll(async () => {
  servers = await startRedisCluster(3)
  ways = await Promise.all(servers.nodes.map(({ port }) => tap(port)))
})
afterAll(async () => {
  for (const way of ways) await way.stop()
  await servers.stop()
})

interface Node {
  readonly client: NodeRedisClient
  readonly key: string
}

/** A client of version 5, and two of its nodes. */
async function opened(): Promise<{ cluster: Cluster; nodes: readonly [Node, Node] }> {
  const client = clientOf(
    servers.nodes.map(({ port }) => port),
    { major: 5 },
    ways.map(({ port }) => port),
  )
  onTestFinished(() => client.destroy())
  while (client.masters?.length !== 3 || !client.masters.every((node) => node.client?.isReady)) await delay(5)
  const known = client as unknown as NodeRedisCluster
  const cluster = clusterOf(known)
  const [one, two] = known.masters.map((master) => ({
    client: master.client!,
    key: keyIn(
      known.slots.findIndex((shard) => shard?.master === master),
      '',
    ),
  }))
  await Promise.all([one!, two!].map(({ key }) => cluster.getrangeBuffer(key, 0, 0)))
  return { cluster, nodes: [one!, two!] }
}

test('a node of which a command was taken, and not written, when its connection was lost connects again', async () => {
  const { cluster, nodes } = await opened()
  const answers: Promise<unknown>[] = []
  const ask = ({ key }: Node): number =>
    answers.push(cluster.getrangeBuffer(key, 0, 0).catch((error: Error) => error.message))
  // At the first loss, commands go to the node whose loss comes next: one before a window ends, and one after.
  const clock = vi.spyOn(performance, 'now')
  onTestFinished(() => clock.mockRestore())
  for (const [i, { client }] of nodes.entries())
    client.once('error', () => {
      const other = nodes[1 - i]!
      ask(other)
      clock.mockReturnValue(performance.now() + 1500)
      ask(other)
      clock.mockRestore()
    })
  const lost = nodes.map(({ client }) => once(client, 'error'))
  for (const way of ways) way.cut()
  await Promise.all(lost)
  await Promise.all(answers)
  for (const node of nodes) {
    while (!node.client.isReady) await delay(20)
    expect((await cluster.getrangeBuffer(node.key, 0, 0)).toString()).toBe('')
  }
}, 60_000)
