import { SessError, type SessErrorCode } from '@sess/core'
import type { MemcachedClient, MemcachedServer, Reply } from './client.ts'
import { repairConnections, type Sending } from './connection-repair.ts'
import { asks, number, OUT_OF_MEMORY, TOO_LARGE, type Request } from './request.ts'

const RESPONSE = 0x81
/** The longest that a round trip may take, in ms: the longest `storeTimeout` of core. */
const MAX_FLIGHT_MS = 10_000

/** Sends requests, and turns failures into `SessError`s. */
export class Exchange {
  readonly #client: MemcachedClient

  constructor(client: MemcachedClient) {
    this.#client = client
    for (const server of client.servers) repairConnections(server)
  }

  /**
   * Sends requests to the server of a tag in one round trip. The server processes them in this order. Each is sent once, and never
   * late: a connection that does not answer in time is closed.
   *
   * @param requests - At most one of them writes.
   * @throws {SessError} `unknown_outcome` if the write was sent and may have been applied; `configuration` if the server requires
   *   other credentials; otherwise a code that says that nothing was written.
   */
  async flight<const Requests extends readonly Request[]>(
    tag: string,
    ...requests: Requests
  ): Promise<{ -readonly [I in keyof Requests]: Reply<Buffer> }> {
    const writes = requests.some((request) => !asks(request))
    const sending: Sending = { sent: false }
    let server: MemcachedServer | null | undefined
    let replies: Reply<Buffer>[]
    try {
      server = this.#client.server(tag)
      if (!server) throw new Error('no server is left')
      replies = await this.#within(server, tag, requests, sending)
    } catch (cause) {
      if (isDenied(cause)) throw failure('configuration', server, DENIED, cause)
      const unknown = writes && sending.sent
      throw failure(unknown ? 'unknown_outcome' : 'store_unavailable', server, 'did not answer', cause)
    }
    for (const [i, request] of requests.entries()) {
      const { header, val } = replies[i]!
      if (request.answers.includes(header.status)) continue
      const unknown = writes && asks(request)
      throw failure(unknown ? 'unknown_outcome' : codeOf(header.status), server, 'refused', val.toString('latin1'))
    }
    return replies as { -readonly [I in keyof Requests]: Reply<Buffer> }
  }

  async #within(
    server: MemcachedServer,
    tag: string,
    requests: readonly Request[],
    sending: Sending,
  ): Promise<Reply<Buffer>[]> {
    const { timeout = 0.5, conntimeout = 2 * timeout } = server.options
    const limit = Math.min(1000 * (timeout + conntimeout) + 500, MAX_FLIGHT_MS)
    const late = setTimeout(() => server.error(new Error(`no whole reply within ${limit} ms`)), limit)
    try {
      const replies = repairConnections(server).pipeline(sending, () =>
        requests.map((request) => this.#perform(server, tag, request)),
      )
      return await Promise.all(replies)
    } finally {
      clearTimeout(late)
    }
  }

  #perform(server: MemcachedServer, tag: string, request: Request): Promise<Reply<Buffer>> {
    return new Promise((resolve, reject) => {
      this.#client.incrSeq()
      // memjs counts past 2³¹ into negative numbers, which it cannot write.
      const seq = this.#client.seq >>> 0
      number(request, seq)
      const answer = (error: Error | null, reply: Reply | null): void => {
        if (error || !reply) return reject(error ?? new Error('no reply'))
        if (reply.header.magic === RESPONSE && reply.header.opcode === request.opcode)
          return resolve(reply as Reply<Buffer>)
        reject(new Error('the reply belongs to another request'))
        server.error(new Error('the replies of the connection are out of order'))
      }
      // Without retries: memjs would resend a request that may have been applied.
      this.#client.perform(tag, request.bytes, seq, answer, 1)
    })
  }
}

const DENIED = 'refused the credentials; nothing was written. Give the client the right username and password'

/** True for the value that memjs throws if the server refused or missed the credentials (SASL). The server did nothing then. */
function isDenied(cause: unknown): boolean {
  return cause === 'Memcached server authentication failed!'
}

function codeOf(status: number): SessErrorCode {
  return status === TOO_LARGE ? 'too_large' : status === OUT_OF_MEMORY ? 'store_full' : 'store_unavailable'
}

function failure(
  code: SessErrorCode,
  server: MemcachedServer | null | undefined,
  what: string,
  cause: unknown,
): SessError {
  const said = cause instanceof Error ? cause.message : String(cause)
  const name = server ? `${server.host}:${server.port}` : 'Memcached'
  const advice = code === 'too_large' ? '; set maxItemBytes to the largest item of the server (its option -I)' : ''
  return new SessError(code, `${name} ${what}: ${said}${advice}`, { cause })
}
