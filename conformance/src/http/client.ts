import { once } from 'node:events'
import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'

/** Options of a request. Default: a GET without a cookie. */
export interface Ask {
  readonly method?: string
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer to a request. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** False if the connection was cut before the end of the body. */
  readonly whole: boolean
  /** The Set-Cookie fields of the session cookie. */
  readonly cookies: readonly string[]
  /** `name=value` of the last of these fields; empty if there is none. */
  readonly cookie: string
}

/** A request that was sent. */
export interface Underway {
  readonly request: ClientRequest
  /** Resolves once the head has arrived. */
  readonly head: Promise<IncomingMessage>
  /** Resolves once the body or the connection has ended. */
  readonly answer: Promise<Answer>
}

/** Sends requests, each on a connection of its own. It keeps no cookies. */
export class Client {
  readonly #url: URL
  readonly #name: string
  readonly #open = new Set<Socket>()

  constructor(url: string, cookieName: string) {
    this.#url = new URL(url)
    this.#name = cookieName
  }

  /** Sends a request and waits for the whole answer. */
  ask(path: string, ask: Ask = {}): Promise<Answer> {
    return this.open(path, ask).answer
  }

  /** Sends a request and does not wait. */
  open(path: string, { method = 'GET', cookie, headers }: Ask = {}): Underway {
    const sent = request({
      host: this.#url.hostname,
      port: this.#url.port,
      path,
      method,
      agent: false,
      headers: { ...headers, ...(cookie !== undefined && { cookie }) },
    })
    sent.on('socket', (socket) => this.#keep(socket))
    sent.end()
    const head = once(sent, 'response').then(([message]) => message as IncomingMessage)
    const answer = head.then((message) => this.#answer(message))
    // A row may await only one of the promises, so the other must not count as an unhandled rejection.
    head.catch(() => {})
    answer.catch(() => {})
    return { request: sent, head, answer }
  }

  /** Writes bytes on one connection, and reads until the server has closed it. */
  async raw(text: string): Promise<string> {
    const socket = this.unread(text)
    let read = ''
    socket.setEncoding('latin1').on('data', (data: string) => (read += data))
    await once(socket, 'close')
    return read
  }

  /** Writes bytes on one connection, and reads nothing. */
  unread(text: string): Socket {
    const socket = connect(Number(this.#url.port), this.#url.hostname)
    this.#keep(socket)
    socket.write(text.replaceAll('\n', '\r\n'))
    return socket
  }

  close(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #keep(socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
  }

  async #answer(message: IncomingMessage): Promise<Answer> {
    let body = ''
    message.setEncoding('utf8').on('data', (data: string) => (body += data))
    await once(message, 'close').catch(() => {})
    const cookies = (message.headers['set-cookie'] ?? []).filter((field) => field.startsWith(`${this.#name}=`))
    return {
      status: message.statusCode!,
      headers: message.headers,
      body,
      whole: message.complete,
      cookies,
      cookie: cookies.at(-1)?.split(';', 1)[0] ?? '',
    }
  }
}
