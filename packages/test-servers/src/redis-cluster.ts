import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { redisProgram, startRedis, type RedisSettings } from './redis.ts'
import { says } from './says.ts'
import type { TestServer } from './server.ts'

const run = promisify(execFile)

/** A Redis Cluster. */
export interface RedisCluster extends AsyncDisposable {
  /** The nodes. At the start, the masters come first, and then their replicas. */
  readonly nodes: readonly TestServer[]
  /** Runs `redis-cli` on a node. @returns Its output. */
  cli(node: TestServer, ...args: string[]): Promise<string>
  /** Moves slots from one master to another, while the cluster is in use. */
  reshard(from: TestServer, to: TestServer, slots: number): Promise<void>
  /** Makes a replica the master in place of its own, which stays up. Ends when every node serves again. */
  promote(replica: TestServer): Promise<void>
  /** Ends when the master that a node was has a successor, and the other nodes serve again. */
  succeeded(master: TestServer): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a cluster: masters, and a replica for each. Unless a setting says otherwise, a silent node is dead after a second.
 *
 * @param tls - Whether the nodes are reached by TLS alone, by clients and by each other. Default: false.
 */
export async function startRedisCluster(
  masters: number,
  settings: RedisSettings = {},
  tls = false,
): Promise<RedisCluster> {
  const all = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000', ...settings }
  const nodes = await Promise.all(Array.from({ length: 2 * masters }, () => startRedis(all, tls)))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())))
  const redisCli = (args: readonly string[]): Promise<{ stdout: string }> =>
    run(redisProgram('cli'), [...(tls ? ['--tls', '--insecure'] : []), ...args])
  const cli = async ({ port }: TestServer, ...args: string[]): Promise<string> =>
    (await redisCli(['-p', String(port), ...args])).stdout.trim()
  const serving = async (ofNodes: readonly TestServer[]): Promise<void> => {
    for (const { port } of ofNodes)
      while (!(await says(port, 'CLUSTER INFO\r\n', /cluster_state:ok/, tls))) await delay(20)
  }
  try {
    await redisCli(['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'])
    await serving(nodes)
    for (const { port } of nodes)
      while (!(await says(port, 'INFO replication\r\n', /master_link_status:up|state=online/, tls))) await delay(20)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    nodes,
    cli,
    stop,
    [Symbol.asyncDispose]: stop,
    async promote(replica) {
      await cli(replica, 'CLUSTER', 'FAILOVER')
      while (!(await cli(replica, 'ROLE')).startsWith('master')) await delay(20)
      await serving(nodes)
    },
    async succeeded(master) {
      const others = nodes.filter((node) => node !== master)
      const view = (): Promise<string> => cli(others[0]!, 'CLUSTER', 'NODES')
      const [, id] = new RegExp(`^(\\S+) \\S+:${master.port}@`, 'm').exec(await view())!
      const gone = new RegExp(`^${id} \\S+ (master,fail|slave) `, 'm')
      while (!gone.test(await view())) await delay(20)
      await serving(others)
    },
    async reshard(from, to, slots) {
      const [source, target] = await Promise.all([from, to].map((node) => cli(node, 'CLUSTER', 'MYID')))
      const moves = [
        '--cluster-from',
        source!,
        '--cluster-to',
        target!,
        '--cluster-slots',
        String(slots),
        '--cluster-yes',
      ]
      const address = `127.0.0.1:${from.port}`
      // Until all nodes have heard of the last move, redis-cli moves nothing.
      const agrees = (): Promise<boolean> =>
        redisCli(['--cluster', 'check', address]).then(
          () => true,
          () => false,
        )
      while (!(await agrees())) await delay(20)
      await redisCli(['--cluster', 'reshard', address, ...moves])
    },
  }
}
