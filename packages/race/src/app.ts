import { Client, type Exchange } from './client.ts'
import type { Settings } from './options.ts'
import type { RequestTemplate } from './request.ts'
import { Trial } from './trial.ts'

/** The part of an answer that is the same each time. */
interface Shape {
  readonly status: number
  readonly location: string | undefined
}

/** The tested app: its servers, and what is known about its answers. */
export class App {
  readonly settings: Settings
  readonly clients: readonly Client[]
  readonly #acknowledgements = new Map<RequestTemplate, Shape>()
  #sessionCookies: readonly string[] = []

  /** @param signal - Aborts all requests. */
  constructor(settings: Settings, signal: AbortSignal) {
    this.settings = settings
    this.clients = settings.servers.map((url) => new Client(url, { ...settings, signal }))
  }

  close(): void {
    for (const client of this.clients) client.close()
  }

  trial(index: number): Trial {
    return new Trial(index, this.clients.length)
  }

  /** The names of the cookies that the session depends on. */
  get sessionCookies(): readonly string[] {
    return this.#sessionCookies
  }

  set sessionCookies(names: readonly string[]) {
    this.#sessionCookies = names
  }

  isSessionCookie(name: string): boolean {
    return this.#sessionCookies.includes(name.trim())
  }

  /** Records the answer to a request that was sent alone and has worked. */
  learn(template: RequestTemplate, exchange: Exchange, user: string): void {
    this.#acknowledgements.set(template, shapeOf(exchange, user))
  }

  /**
   * Whether an answer acknowledges the request. Many apps refuse by a redirect, so a redirect counts only if the request, sent alone, was
   * redirected to the same page.
   */
  acknowledged(template: RequestTemplate, exchange: Exchange, user: string): boolean {
    const { status, location } = shapeOf(exchange, user)
    if (status >= 200 && status < 300) return (this.#acknowledgements.get(template)?.status ?? 200) < 300
    const known = this.#acknowledgements.get(template)
    if (known === undefined) return status >= 300 && status < 400
    return status === known.status && location === known.location
  }
}

function shapeOf({ status, location }: Exchange, user: string): Shape {
  const path = location && URL.parse(location, 'http://app.invalid')?.pathname
  return { status, location: path?.replaceAll(user, '{user}') }
}
