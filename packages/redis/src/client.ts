import { SessError } from '@sess/core'

/** What {@link redisStore} calls of a `Redis` of ioredis. */
export interface RedisClient {
  /** `ready` while commands go straight to the server. */
  readonly status: string
  readonly isCluster: boolean
  readonly options: {
    readonly keyPrefix?: string | undefined
    readonly readOnly?: boolean | undefined
    readonly role?: string | undefined
  }
  on(event: 'ready' | 'close', listener: () => void): unknown
  getBuffer(key: string): Promise<Buffer | null>
  mgetBuffer(keys: string[]): Promise<(Buffer | null)[]>
  evalsha(sha: string, keyCount: number, ...keysAndValues: (string | Buffer)[]): Promise<unknown>
  eval(lua: string, keyCount: number, ...keysAndValues: (string | Buffer)[]): Promise<unknown>
  zscan(key: string, cursor: string, count: 'COUNT', limit: number): Promise<[cursor: string, elements: string[]]>
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    limit: number,
    type: 'TYPE',
    name: string,
  ): Promise<[cursor: string, keys: string[]]>
}

/** @throws {SessError} `invalid_option` for a client that could not keep the store's promises. */
export function checkClient(client: RedisClient): void {
  if (client?.isCluster) throw invalid('client', 'is a Cluster: use @sess/redis-cluster')
  if (typeof client?.mgetBuffer !== 'function') throw invalid('client', 'must be a Redis of ioredis')
  const { readOnly, role } = client.options
  if (readOnly || role === 'slave')
    throw invalid('client', 'reads from a replica, where an ended session may live on: connect to the master')
}

export function invalid(option: string, what: string): SessError {
  return new SessError('invalid_option', `${option} ${what}`)
}
