import { createRequire } from 'node:module'
import { Redis, type Cluster } from 'ioredis'
import type { SessionRecord } from '@sess/core'

/** What tests set of a client. */
export interface ClientOptions {
  enableAutoPipelining?: boolean
  enableOfflineQueue?: boolean
  /** The version of ioredis. Default: the current one. */
  ioredis?: 5
  keyPrefix?: string
  lazyConnect?: boolean
  maxRetriesPerRequest?: number
  password?: string
  reconnectOnError?: (error: Error) => boolean
  username?: string
}

/** Loads ioredis 5 when it is first needed: most processes of the kit need no second driver. */
const ioredis5 = (): { Redis: typeof Redis } => createRequire(import.meta.url)('ioredis5') as { Redis: typeof Redis }

/** A client that is told of its broken connections by its answers alone. */
export function clientOf(port: number, { ioredis, ...options }: ClientOptions = {}): Redis {
  const Client = ioredis === 5 ? ioredis5().Redis : Redis
  const redis = new Client({ port, retryStrategy: () => 20, ...options })
  redis.on('error', () => {})
  return redis
}

/** Disconnects a client. Resolves once its connections are closed: until then ioredis keeps timers for them. */
export async function disconnect(client: Redis | Cluster): Promise<void> {
  const connections = 'nodes' in client ? client.nodes('all') : [client]
  const ended = connections.map((one) => new Promise((resolve) => one.once('end', resolve)))
  client.disconnect()
  await Promise.all(ended)
}

/** A record that lives for a minute. */
export function recordOf(parts: Partial<SessionRecord> = {}): SessionRecord {
  return { revision: 1, expiresAt: Date.now() + 60_000, payload: Buffer.from('payload'), ...parts }
}

export const subject = { id: 'ann', tag: 'tag-of-ann--' }

let made = 0
/** A key of the subject that no other test uses. */
export const keyOf = (): { tag: string; id: string } => ({ tag: subject.tag, id: String(++made).padStart(16, '0') })
