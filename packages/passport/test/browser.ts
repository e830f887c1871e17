import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Serves a handler on a free port, until the test has finished. @returns Its URL. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a browser gets. */
export interface Page {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where a redirect leads. */
  readonly location: string | undefined
}

type Sent = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> }

/** Keeps cookies, as a browser does, and follows no redirect by itself. */
export class Browser {
  readonly #base: string
  readonly cookies: Map<string, string> = new Map()

  constructor(base: string) {
    this.#base = base
  }

  get(path: string): Promise<Page> {
    return this.send(path, {})
  }

  post(path: string, form: Readonly<Record<string, string>> = {}): Promise<Page> {
    const headers = { 'content-type': 'application/json' }
    return this.send(path, { method: 'POST', body: JSON.stringify(form), headers })
  }

  async send(path: string, { headers: given, ...init }: Sent): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...given, ...(cookie && { cookie }) }
    const response = await fetch(new URL(path, this.#base), { ...init, headers, redirect: 'manual' })
    for (const field of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(field)!
      if (value === '') this.cookies.delete(name!)
      else this.cookies.set(name!, value!)
    }
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: response.headers.get('location') ?? undefined,
    }
  }
}
