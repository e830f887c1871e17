// Kills a master under load, with replicas that keep up and that lag, and counts what was acknowledged and then undone.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSessions } from '@sess/core'
import { waitReplicas } from '@sess/redis'
import { startRedisCluster, type TestServer } from '@sess/test-servers'
import { load, type LoadData } from '../packages/redis/test/load.ts'
import { redisClusterStore } from '@sess/redis-cluster'
import { clusterOf } from '../packages/redis-cluster/test/client.ts'

const { values } = parseArgs({
  options: { turns: { type: 'string', default: '3' }, lag: { type: 'string', default: '200' } },
})

/** @param lag - For how long, in ms, the master's replica receives nothing before it dies. */
async function turn(wait: boolean, lag: number): Promise<void> {
  await using servers = await startRedisCluster(3)
  const cluster = clusterOf(servers.nodes.map(({ port }) => port))
  const store = redisClusterStore(cluster, wait ? { confirm: waitReplicas(1, 500) } : {})
  const options = { pepper: 'sixteen bytes or more', storeTimeout: '2s', log: false } as const
  const running = load(createSessions<LoadData>({ store, ...options }), 32)
  await delay(1000)
  const [killed, other] = servers.nodes as readonly [TestServer, TestServer]
  const replica = await replicaOf(await servers.cli(killed, 'CLUSTER', 'MYID'))
  if (lag > 0) {
    await servers.cli(killed, 'ACL', 'SETUSER', 'default', '-psync', '-sync')
    await servers.cli(killed, 'CLIENT', 'KILL', 'TYPE', 'replica')
    await delay(lag)
  }
  const start = performance.now()
  await killed.kill()
  while (!(await servers.cli(replica, 'ROLE')).startsWith('master')) await delay(10)
  const promoted = performance.now()
  while (!(await servers.cli(other, 'CLUSTER', 'INFO')).includes('cluster_state:ok')) await delay(10)
  const errorsBefore = (): number => Object.values(running.report.errors).reduce((sum, count) => sum + count, 0)
  // Back: a second without an error.
  let back = performance.now()
  for (let before = errorsBefore(); performance.now() - back < 1000; await delay(10))
    if (errorsBefore() > before) [before, back] = [errorsBefore(), performance.now()]
  const { done, errors, wrong, undoneWrites, undoneRotations, undoneEnds } = await running.stop()
  cluster.disconnect()
  console.log(
    `${wait ? 'waiting for a replica' : 'not waiting'}, lag ${lag} ms: ${done} operations, promoted after ${Math.round(promoted - start)} ms, ` +
      `last error ${Math.round(back - promoted)} ms later; wrong answers ${wrong.length}, writes undone ${undoneWrites}, ` +
      `rotations undone ${undoneRotations}, ends undone ${undoneEnds}; errors ${JSON.stringify(errors)}`,
  )

  async function replicaOf(id: string): Promise<TestServer> {
    for (const node of servers.nodes)
      if (new RegExp(`myself,slave ${id} `).test(await servers.cli(node, 'CLUSTER', 'NODES'))) return node
    throw new Error('the master has no replica')
  }
}

for (const lag of [0, Number(values.lag)])
  for (const wait of [false, true]) for (let i = 0; i < Number(values.turns); i++) await turn(wait, lag)
