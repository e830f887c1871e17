import { invalid } from '@sess/core/adapter'

/** What {@link memcachedStore} calls of a `Client` of memjs. */
export interface MemcachedClient {
  readonly options: { readonly failover?: boolean | undefined }
  readonly servers: readonly MemcachedServer[]
  /** The number of the last request; memjs keeps its callbacks by it. */
  readonly seq: number
  incrSeq(): void
  /** The server that a key belongs to. */
  server(key: string): MemcachedServer | null | undefined
  perform(
    key: string,
    request: Buffer,
    seq: number,
    callback: (error: Error | null, reply: Reply | null) => void,
    retries: number,
  ): void
}

/** What the store calls of a `Server` of memjs. */
export interface MemcachedServer {
  readonly host: string
  readonly port: number
  /** In seconds. */
  readonly options: { readonly timeout?: number | undefined; readonly conntimeout?: number | undefined }
  /** Ends the connection; what waits for a reply is told. */
  error(error: Error): void
}

/** A server's reply, as memjs parses it. */
export interface Reply {
  readonly header: {
    readonly magic: number
    readonly opcode: number
    readonly status: number
    /** The item's token for compare-and-set. */
    readonly cas: Buffer
  }
  readonly val: Buffer
}

/** @throws {SessError} `invalid_option` for a client that could not keep the store's promises. */
export function checkClient(client: MemcachedClient): void {
  if (typeof client?.perform !== 'function' || !client.servers?.length)
    throw invalid('client', 'must be a Client of memjs')
  if (client.options.failover)
    throw invalid(
      'client',
      'has failover on, which asks another server where one is down: sessions would look ended, and come back. Leave it off',
    )
}
