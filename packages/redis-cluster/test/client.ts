import { createRequire } from 'node:module'
import { Cluster } from 'ioredis'

/** What tests set of a client. */
export interface ClientOptions {
  enableAutoPipelining?: boolean
  /** The version of ioredis. Default: the current one. */
  ioredis?: 5
  keyPrefix?: string
  lazyConnect?: boolean
  slotsRefreshInterval?: number
  natMap?: Record<string, { host: string; port: number }>
  redisOptions?: { username?: string; password?: string; socketTimeout?: number }
}

/** Loads ioredis 5 when it is first needed: most processes of the kit need no second driver. */
const ioredis5 = (): { Cluster: typeof Cluster } =>
  createRequire(import.meta.url)('ioredis5') as { Cluster: typeof Cluster }

/** A client that is told of its broken connections by its answers alone. */
export function clusterOf(ports: readonly number[], { ioredis, ...options }: ClientOptions = {}): Cluster {
  const Client = ioredis === 5 ? ioredis5().Cluster : Cluster
  const cluster = new Client(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    {
      // Not within a test: what a case of the kit counts, or delays, would be the client's own questions.
      slotsRefreshInterval: 3_600_000,
      ...options,
      // Longer than the README advises: a busy machine is no server that hangs.
      redisOptions: { socketTimeout: 10_000, ...options.redisOptions },
    },
  )
  cluster.on('error', () => {})
  return cluster
}
