import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import driver from 'ioredis/package.json' with { type: 'json' }
import driver5 from 'ioredis5/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { says, startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { disconnect } from '../../redis/test/client.ts'
import { grantIn, indexOf, Namespaces, rawOf, versionOf } from '../../redis/test/stored.ts'
import manifest from '../package.json' with { type: 'json' }
import { redisClusterStore } from '../src/index.ts'
import { clusterOf, type ClientOptions } from './client.ts'

/** Where a namespace is, and how it is used. */
interface Place {
  readonly ports: readonly number[]
  readonly prefix: string
  readonly options: ClientOptions
}

/** Another client of a namespace: for the kit's other processes, too. @param argument - A {@link Place} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { ports, prefix, options } = JSON.parse(argument) as Place
  const cluster = clusterOf(ports, options)
  const store = redisClusterStore(cluster, { prefix })
  return {
    store,
    // With the rights that the README grants: PING is none of them.
    ping: () => cluster.getrange('sess:ping', 0, 0),
    close: async () => {
      await store.close!()
      await disconnect(cluster)
    },
  }
}

let started: Promise<RedisCluster> | undefined

/**
 * The cluster of all namespaces: started when it is first asked for, and gone with this process. It knows the user that the
 * README makes.
 */
export const cluster = (): Promise<RedisCluster> =>
  (started ??= startRedisCluster(3, { user: grantIn(new URL('..', import.meta.url)) }))

/** Crashes all nodes at once: no replica can take over, and nothing is left. */
async function restart({ nodes }: RedisCluster): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill()))
  await Promise.all(nodes.map((node) => node.restart()))
  for (const { port } of nodes) while (!(await says(port, 'CLUSTER INFO\r\n', /cluster_state:ok/))) await delay(20)
}

const namespaces = new Namespaces()

/** Each namespace is a prefix. The store on trial speaks to every node through a proxy. */
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
      const proxies = await Promise.all(servers.nodes.map((node) => faults.listen(node)))
      const natMap = Object.fromEntries(
        ports.map((port, i) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxies[i]! }]),
      )
      // Most cases never look past the store.
      const admin = clusterOf(ports, { lazyConnect: true })
      return {
        argument: JSON.stringify({ ports, prefix, options } satisfies Place),
        faulty: {
          faults,
          argument: JSON.stringify({ ports: proxies, prefix, options: { ...options, natMap } } satisfies Place),
        },
        raw: rawOf(admin, () => admin.nodes('master'), prefix),
        index: indexOf(admin, prefix),
        ...(!options.redisOptions && { restart: () => restart(servers) }),
        remove: async () => {
          await disconnect(admin)
          await faults.close()
          await namespaces.closed(...ports)
        },
      }
    },
    versions: async () => ({
      [manifest.name]: manifest.version,
      ioredis: (options.ioredis === 5 ? driver5 : driver).version,
      redis: await versionOf((await cluster()).nodes[0]!.port),
    }),
  })
}

export const harness: Harness = harnessOn('redis-cluster', {})

/** With auto-pipelining, and the rights that the README grants. A node that restarts forgets what it has refused. */
export const leastPrivileged: Harness = harnessOn(
  'redis-cluster with auto-pipelining, and the rights that the README grants',
  { enableAutoPipelining: true, redisOptions: { username: 'sess', password: 'secret' } },
)

export const onIoredis5: Harness = harnessOn('redis-cluster on ioredis 5', { ioredis: 5 })
