import { Cluster } from 'ioredis'

/** What tests set of a client. */
export interface ClientOptions {
  enableAutoPipelining?: boolean
  keyPrefix?: string
  lazyConnect?: boolean
  natMap?: Record<string, { host: string; port: number }>
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
