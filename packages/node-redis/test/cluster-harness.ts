import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import driver from 'redis/package.json' with { type: 'json' }
import driver5 from 'redis5/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { says, startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { clusterOf as ioredisClusterOf } from '../../redis-cluster/test/client.ts'
import { disconnect } from '../../redis/test/client.ts'
import { indexOf, Namespaces, rawOf, versionOf } from '../../redis/test/stored.ts'
import manifest from '../package.json' with { type: 'json' }
import { redisClusterStore } from '../src/index.ts'
import { clusterOf, connected, type ClientOptions } from './client.ts'

/** The location of a namespace, and the options of its clients. */
interface Place {
  readonly ports: readonly number[]
  readonly proxies: readonly number[]
  readonly prefix: string
  readonly options: ClientOptions
}

/** Opens another client of a namespace, also in the kit's other processes. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { ports, proxies, prefix, options } = JSON.parse(argument) as Place
  const cluster = clusterOf(ports, options, proxies)
  await connected(cluster)
  const store = redisClusterStore(cluster, { prefix })
  return {
    store,
    close: async () => {
      await store.close!()
      cluster.destroy()
    },
  }
}

let started: Promise<RedisCluster> | undefined

/** Returns the cluster of all namespaces. The first call starts it; it ends with this process. */
export const cluster = (): Promise<RedisCluster> => (started ??= startRedisCluster(3))

/** Kills all nodes at once and starts them again: no replica can be promoted, and no data is left. */
async function restart({ nodes }: RedisCluster): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()))
  await Promise.all(nodes.map((node) => node.restart()))
  for (const { port } of nodes) while (!(await says(port, 'CLUSTER INFO\r\n', /cluster_state:ok/))) await delay(20)
}

const namespaces = new Namespaces()

/** Makes a harness. Each namespace is a prefix. The store on trial reaches every node through a proxy. */
function harnessOn(name: string, options: ClientOptions): Harness {
  return harnessOf({
    name,
    module: import.meta.url,
    connect,
    make: async () => {
      const servers = await cluster()
      namespaces.opened()
      const ports = servers.nodes.map(({ port }) => port)
      const prefix = `sess:${randomUUID()}:`
      const faults = new SocketFaults()
      const through = await Promise.all(servers.nodes.map((node) => faults.listen(node)))
      // A second client looks past the store. It connects only in the few cases that need it.
      const admin = ioredisClusterOf(ports, { lazyConnect: true })
      const argument = (proxies: readonly number[]): string =>
        JSON.stringify({ ports, proxies, prefix, options } satisfies Place)
      return {
        argument: argument(ports),
        faulty: { faults, argument: argument(through) },
        raw: rawOf(admin, () => admin.nodes('master'), prefix),
        index: indexOf(admin, prefix),
        restart: () => restart(servers),
        remove: async () => {
          await disconnect(admin)
          await faults.close()
          await namespaces.closed(...ports)
        },
      }
    },
    versions: async () => ({
      [manifest.name]: manifest.version,
      redis: (options.major === 5 ? driver5 : driver).version,
      'redis-server': await versionOf((await cluster()).nodes[0]!.port),
    }),
  })
}

/** On RESP3, the client's default. */
export const harness: Harness = harnessOn('node-redis-cluster', {})

export const onRedis5: Harness = harnessOn('node-redis-cluster on redis 5', { major: 5 })
