import { Cluster } from 'ioredis'

/** What tests set of a client. */
export interface ClientOptions {
  enableAutoPipelining?: boolean
  keyPrefix?: string
  lazyConnect?: boolean
  natMap?: Record<string, { host: string; port: number }>
  redisOptions?: { username?: string; password?: string; socketTimeout?: number }
}

/** A client that is told of its broken connections by its answers alone. */
export function clusterOf(ports: readonly number[], options: ClientOptions = {}): Cluster {
  const cluster = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    {
      slotsRefreshInterval: 2000,
      ...options,
      // Longer than the README advises: a busy machine is no server that hangs.
      redisOptions: { socketTimeout: 10_000, ...options.redisOptions },
    },
  )
  cluster.on('error', () => {})
  return cluster
}
