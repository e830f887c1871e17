import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { lookupLoopback } from './loopback.ts'

/** The longest body of an answer, in bytes. */
const MAX_BODY = 8 * 1024 * 1024

/** A request and its answer. Times are those of `performance.now()`, in ms. */
export interface Exchange {
  /** 0 if no answer came; `error` then says why. */
  readonly status: number
  readonly body: string
  readonly location: string | undefined
  readonly setCookies: readonly string[]
  readonly startedAt: number
  readonly endedAt: number
  readonly error: string | undefined
}

/** A request, without the server to which it is sent. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** Sends requests to one server over connections that stay open. It follows no redirects, and never rejects. */
export class Client {
  readonly url: URL
  readonly #agent: HttpAgent
  readonly #request: typeof httpRequest
  readonly #timeoutMs: number
  readonly #signal: AbortSignal

  constructor(
    url: URL,
    options: { readonly timeoutMs: number; readonly allowRemote: boolean; readonly signal: AbortSignal },
  ) {
    this.url = url
    this.#timeoutMs = options.timeoutMs
    this.#signal = options.signal
    const settings = { keepAlive: true, ...(!options.allowRemote && { lookup: lookupLoopback }) }
    const secure = url.protocol === 'https:'
    this.#agent = secure ? new HttpsAgent(settings) : new HttpAgent(settings)
    this.#request = secure ? httpsRequest : httpRequest
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy()
  }

  send(outgoing: Outgoing): Promise<Exchange> {
    return this.#send(outgoing, performance.now(), true)
  }

  #send(outgoing: Outgoing, startedAt: number, mayRepeat: boolean): Promise<Exchange> {
    return new Promise((resolve) => {
      const failed = (error: string): void =>
        resolve({
          status: 0,
          body: '',
          location: undefined,
          setCookies: [],
          startedAt,
          endedAt: performance.now(),
          error,
        })
      if (this.#signal.aborted) return failed('the run was ended')
      let request: ClientRequest
      try {
        request = this.#open(outgoing)
      } catch (error) {
        return failed((error as Error).message)
      }
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      )
      const stop = (): void => void request.destroy(new Error('the run was ended'))
      this.#signal.addEventListener('abort', stop)
      request.once('close', () => {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', stop)
      })
      request.once('error', (error: NodeJS.ErrnoException) => {
        // Most likely the server closed the idle connection at this moment. If the request arrives twice, it writes the same value under
        // the same key.
        if (mayRepeat && request.reusedSocket && error.code === 'ECONNRESET')
          return resolve(this.#send(outgoing, startedAt, false))
        failed(error.message || error.code || 'the connection failed')
      })
      request.once('response', (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size > MAX_BODY) response.destroy(new Error(`the answer is longer than ${MAX_BODY} bytes`))
        })
        response.once('error', (error) => failed(error.message))
        response.once('end', () =>
          resolve({
            status: response.statusCode!,
            body: Buffer.concat(chunks).toString(),
            location: response.headers.location,
            setCookies: response.headers['set-cookie'] ?? [],
            startedAt,
            endedAt: performance.now(),
            error: undefined,
          }),
        )
      })
      request.end(outgoing.body)
    })
  }

  #open({ method, path, headers, body }: Outgoing): ClientRequest {
    return this.#request({
      agent: this.#agent,
      protocol: this.url.protocol,
      host: this.url.hostname.replaceAll(/^\[|\]$/g, ''),
      port: this.url.port,
      method,
      path: this.url.pathname.replace(/\/$/, '') + path,
      headers: {
        host: this.url.host,
        'user-agent': 'sess-race',
        accept: '*/*',
        // As a browser sends it for a form on the app's own page. Apps that check it would otherwise answer 403.
        ...(method !== 'GET' && method !== 'HEAD' && { origin: this.url.origin }),
        ...headers,
        ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      },
    })
  }
}
