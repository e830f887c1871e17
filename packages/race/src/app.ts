import { Client, type Exchange } from './client.ts'
import type { Settings } from './options.ts'
import type { RequestTemplate } from './request.ts'
import { Trial } from './trial.ts'

/** What an answer looked like, less what differs from one to the next. */
interface Shape {
  readonly status: number
  readonly location: string | undefined
}

/** The app on trial: its servers, and what was learnt of its answers. */
export class App {
  readonly settings: Settings
  readonly clients: readonly Client[]
  readonly #acknowledgements = new Map<RequestTemplate, Shape>()
  #sessionCookies: readonly string[] = []

  /** @param signal - Ends whatever is under way. */
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

  /** Keeps how a request is answered when nothing else is in flight, and it was seen to work. */
  learn(template: RequestTemplate, exchange: Exchange, user: string): void {
    this.#acknowledgements.set(template, shapeOf(exchange, user))
  }

  /**
   * Whether an answer says that the request was done. Many an app refuses with a redirect, so a redirect counts only
   * where a quiet request was redirected to the same page.
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
