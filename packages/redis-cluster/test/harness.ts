import { randomUUID } from 'node:crypto'
import { Cluster } from 'ioredis'
import type { Connection, Harness } from '@sess/conformance'
import { redisClusterStore } from '../src/index.ts'

/** What tests set of a client. */
export interface ClientOptions {
  enableAutoPipelining?: boolean
  keyPrefix?: string
  lazyConnect?: boolean
  redisOptions?: { username: string; password: string }
}

/** A client that is told of its broken connections by its answers alone. */
export function clusterOf(ports: readonly number[], options: ClientOptions = {}): Cluster {
  const cluster = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    options,
  )
  cluster.on('error', () => {})
  return cluster
}

/** Another client of a namespace, for the kit's other processes, too. */
export async function connect(argument: string): Promise<Connection> {
  const [ports, prefix, ...user] = argument.split(' ') as [string, string, string?, string?]
  const [username, password] = user
  const cluster = clusterOf(ports.split(',').map(Number), {
    enableAutoPipelining: username !== undefined,
    ...(username && password && { redisOptions: { username, password } }),
  })
  const store = redisClusterStore(cluster, { prefix })
  return {
    store,
    close: async () => {
      await store.close!()
      cluster.disconnect()
    },
  }
}

/** Each namespace is a prefix on one cluster. @param user - Name and password, and then with auto-pipelining. */
export function harnessOn(name: string, ports: () => readonly number[], ...user: string[]): Harness {
  return {
    name,
    process: { module: import.meta.url },
    open: async () => {
      const argument = [ports().join(','), `sess:${randomUUID()}:`, ...user].join(' ')
      const connections = [await connect(argument)]
      return {
        store: connections[0]!.store,
        argument,
        connect: async () => {
          const connection = await connect(argument)
          connections.push(connection)
          return connection.store
        },
        close: async () => {
          for (const { close } of connections) await close()
        },
      }
    },
  }
}
