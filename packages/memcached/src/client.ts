import { invalid } from '@sess/core/adapter'

/** The members of a `Client` of memjs that {@link memcachedStore} uses. */
export interface MemcachedClient {
  readonly options: { readonly failover?: boolean | undefined }
  readonly servers: readonly MemcachedServer[]
  /** The number of the last request. memjs finds the callback of a reply by this number. */
  readonly seq: number
  incrSeq(): void
  /** The server that holds a key. */
  server(key: string): MemcachedServer | null | undefined
  perform(
    key: string,
    request: Uint8Array,
    seq: number,
    callback: (error: Error | null, reply: Reply | null) => void,
    retries: number,
  ): void
}

/** The members of a `Server` of memjs that the store uses. */
export interface MemcachedServer {
  readonly host: string
  readonly port: number
  /** The timeouts, in seconds. */
  readonly options: { readonly timeout?: number | undefined; readonly conntimeout?: number | undefined }
  /** Ends the connection; each request that waits for a reply fails with this error. */
  error(error: Error): void
}

/** A parsed reply of a server. The bytes are Buffers; the type says Uint8Array, so that it compiles without Node's types. */
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

/**
 * Checks the client.
 *
 * @throws {SessError} `invalid_option` if the value is not a client, or if the store could not keep its promises with this client.
 */
export function checkClient(client: MemcachedClient): void {
  const wrong = misfit(client)
  if (wrong !== undefined)
    throw invalid('client', `must be a Client of memjs, as from Client.create('10.0.0.5:11211'), and is ${wrong}`)
  if (client.options.failover)
    throw invalid(
      'client',
      'has the option failover, which asks another server when one is down: sessions would look ended, and ended sessions would come back. Leave it out',
    )
  for (const { host, port, options } of client.servers) {
    if (!/^[^[\]]+$/.test(host) || !Number.isInteger(port) || port < 1 || port > 65_535)
      throw invalid(
        'client',
        'has a server without a host or a port. memjs cannot parse IPv6 addresses: give a host name instead',
      )
    for (const name of ['timeout', 'conntimeout'] as const)
      if (!isSeconds(options[name])) throw invalid('client', `has a ${name} that is not a number of seconds`)
  }
}

function isSeconds(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'number' && value >= 0)
}

/** Describes a value that is not a client of memjs, without its content. Undefined: it is a client. */
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
