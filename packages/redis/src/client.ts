/**
 * The members of a `Redis` or a `Cluster` of ioredis that a store uses. All bytes are Buffers at run time: ioredis sends any other
 * Uint8Array as text. The type says Uint8Array, so that it compiles without Node's types.
 */
export interface RedisClient {
  /** `ready` while the client sends commands without a delay. */
  readonly status: string
  /** A text for error messages: what to do if the client is not connected, and there is no error. */
  readonly advice?: string | undefined
  readonly options: { readonly keyPrefix?: string | undefined; readonly enableOfflineQueue?: boolean | undefined }
  /** The socket of the connection. A Cluster has several connections, and does not have this property. */
  readonly stream?: { readonly errored: Error | null; readonly writable: boolean } | undefined
  connect(): Promise<unknown>
  getrangeBuffer(key: string, start: number, end: number): Promise<Uint8Array>
  zrange(key: string, start: number, end: string): Promise<string[]>
  del(key: string): Promise<unknown>
  evalsha(sha: string, keyCount: number, ...keysAndValues: (string | number | Uint8Array)[]): Promise<unknown>
  eval(lua: string, keyCount: number, ...keysAndValues: (string | number | Uint8Array)[]): Promise<unknown>
  pipeline(): RedisPipeline
  on(event: ClientEvent, listener: (error: Error) => void): unknown
  off(event: ClientEvent, listener: (error: Error) => void): unknown
}

/** Further methods of ioredis that a store calls, and that ioredis's types lack. Texts in an answer are bytes. */
export interface ScriptsInBytes {
  evalshaBuffer(sha: string, keyCount: number, ...keysAndValues: (string | number)[]): Promise<unknown>
  evalBuffer(lua: string, keyCount: number, ...keysAndValues: (string | number)[]): Promise<unknown>
}

/** The events of a client about its connections. The symbol is `errorMonitor` of node:events. */
export type ClientEvent = 'ready' | 'close' | 'end' | 'sentinelError' | 'node error' | symbol

/** The methods of an ioredis pipeline that a store calls. */
export interface RedisPipeline {
  set(key: string, value: string, unit: 'PX', ms: number): RedisPipeline
  wait(count: number, timeout: number): RedisPipeline
  exec(): Promise<[error: Error | null, answer: unknown][] | null>
}

/** One server, which a store can scan for keys. */
export interface RedisServer {
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    limit: number,
  ): Promise<[cursor: string, keys: string[]]>
}
