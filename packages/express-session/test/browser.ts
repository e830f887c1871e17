import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server for a test, gone with it. */
export interface Served extends AsyncDisposable {
  readonly url: string
}

/** Serves a handler on a free port. */
export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Keeps the session cookie, as a browser does. */
export class Browser {
  readonly #url: string
  readonly #name: string
  /** `name=value`; empty: none. */
  cookie = ''

  constructor(url: string, name = 'connect.sid') {
    this.#url = url
    this.#name = name
  }

  /** Another one with the same cookie. */
  copy(): Browser {
    const copy = new Browser(this.#url, this.#name)
    copy.cookie = this.cookie
    return copy
  }

  async get(path: string): Promise<{ status: number; body: Record<string, unknown>; setCookie: string | undefined }> {
    return this.#send(path, {})
  }

  async post(
    path: string,
    form: Record<string, string> = {},
  ): Promise<{ status: number; body: Record<string, unknown>; setCookie: string | undefined }> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(form) })
  }

  async #send(
    path: string,
    request: RequestInit,
  ): Promise<{ status: number; body: Record<string, unknown>; setCookie: string | undefined }> {
    const headers = this.cookie ? { cookie: this.cookie } : {}
    const response = await fetch(this.#url + path, { ...request, headers, redirect: 'manual' })
    const setCookie = response.headers.getSetCookie().find((each) => each.startsWith(`${this.#name}=`))
    if (setCookie) this.cookie = setCookie.split(';')[0]!
    const text = await response.text()
    return {
      status: response.status,
      body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text },
      setCookie,
    }
  }
}

/** A point at which a handler waits until the test lets it go on. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>()
  readonly #opened = Promise.withResolvers<void>()
  /** Resolves when a handler is there. */
  readonly reached: Promise<void> = this.#reached.promise

  async pass(): Promise<void> {
    this.#reached.resolve()
    await this.#opened.promise
  }

  open(): void {
    this.#opened.resolve()
  }
}
