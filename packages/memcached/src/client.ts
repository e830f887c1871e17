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
    request: Uint8Array,
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
  /** Ends the connection; each request that waits for a reply fails with this error. */
  error(error: Error): void
}

/** A server's reply, as memjs parses it. Its bytes are Buffers; this type compiles without Node's types. */
export interface Reply<Bytes extends Uint8Array = Uint8Array> {
  readonly header: {
    readonly magic: number
    readonly opcode: number
    readonly status: number
    /** The item's token for compare-and-set. */
    readonly cas: Bytes
  }
  readonly val: Bytes
}

/** @throws {SessError} `invalid_option` for what is no client, and for one that could not keep the store's promises. */
export function checkClient(client: MemcachedClient): void {
  const wrong = misfit(client)
  if (wrong !== undefined)
    throw invalid('client', `must be a Client of memjs, as from Client.create('10.0.0.5:11211'), and is ${wrong}`)
  if (client.options.failover)
    throw invalid(
      'client',
      'has failover on, which asks another server where one is down: sessions would look ended, and come back. Leave it off',
    )
  for (const { host, port, options } of client.servers) {
    if (!/^[^[\]]+$/.test(host) || !Number.isInteger(port) || port < 1 || port > 65_535)
      throw invalid(
        'client',
        'has a server without a host or a port. memjs reads no IPv6 address: give the name of a host',
      )
    for (const name of ['timeout', 'conntimeout'] as const)
      if (!isSeconds(options[name])) throw invalid('client', `has a ${name} that is no number of seconds`)
  }
}

function isSeconds(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'number' && value >= 0)
}

/** What somebody passed who passed no client of memjs, in words that show nothing of its content. */
function misfit(client: unknown): string | undefined {
  if (client === null || client === undefined) return String(client)
  if (typeof client === 'function') return 'a class or a function'
  if (typeof client !== 'object') return typeof client === 'string' ? 'text' : `a ${typeof client}`
  const { perform, servers, options, Client, HashRing, then } = client as Readonly<Record<string, unknown>>
  if (typeof perform === 'function' && Array.isArray(servers) && typeof options === 'object')
    return servers.length > 0 ? undefined : 'a Client without servers'
  if (typeof Client === 'function') return 'the module memjs itself'
  if (HashRing !== undefined) return 'a client of the package `memcached`'
  if (typeof then === 'function') return 'a promise: await it'
  return 'client' in client ? 'an object around a client' : 'an object that is not a client'
}
