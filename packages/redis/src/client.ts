/**
 * What a `storeOn` calls of a `Redis`, or a `Cluster`, of ioredis. Bytes are Buffers, both ways: ioredis sends a Uint8Array that is
 * none as text. The type does not say so, so that it compiles without Node's types.
 */
export interface RedisClient {
  /** `ready` while commands go straight to a server. */
  readonly status: string
  /** What to do about a status that no error explains. */
  readonly advice?: string | undefined
  readonly options: { readonly keyPrefix?: string | undefined; readonly enableOfflineQueue?: boolean | undefined }
  /** The connection to the server; a Cluster has several, and none here. */
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

/** What a `storeOn` calls beside that: ioredis has it, and its types do not. The texts of an answer are bytes. */
export interface ScriptsInBytes {
  evalshaBuffer(sha: string, keyCount: number, ...keysAndValues: (string | number)[]): Promise<unknown>
  evalBuffer(lua: string, keyCount: number, ...keysAndValues: (string | number)[]): Promise<unknown>
}

/** Events of a client about its connections. The symbol is `errorMonitor` of node:events. */
export type ClientEvent = 'ready' | 'close' | 'end' | 'sentinelError' | 'node error' | symbol

/** What a `storeOn` calls of a pipeline of ioredis. */
export interface RedisPipeline {
  set(key: string, value: string, unit: 'PX', ms: number): RedisPipeline
  wait(count: number, timeout: number): RedisPipeline
  exec(): Promise<[error: Error | null, answer: unknown][] | null>
}

/** One server: what `storeOn` asks for its keys. */
export interface RedisServer {
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    limit: number,
  ): Promise<[cursor: string, keys: string[]]>
}
