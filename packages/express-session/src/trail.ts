import type { ForeignSession } from '@sess/core/foreign'
import { cookieOf, dataOf, type Data } from './cookie.ts'
import type { HostSession } from './host.ts'

/**
 * On a cookie that came from the store. Enumerable, and no text: so @fastify/session copies it with the other options of
 * the cookie, and nothing else sees it.
 */
const TRAIL = Symbol('@sess/express-session')

/** What a host's session object was loaded from, and how it is saved. */
export class Trail {
  readonly #id: string
  readonly #session: ForeignSession
  #known: Data | undefined

  constructor(id: string, session: ForeignSession) {
    this.#id = id
    this.#session = session
    if (this.isStored) this.#known = session.data
  }

  /** False for a session that was never loaded, nor created yet. */
  get isStored(): boolean {
    return this.#session.expiresAt !== undefined
  }

  get handle(): string {
    return this.#session.handle
  }

  leadsTo(id: string): boolean {
    return this.#id === id
  }

  /** What `get` gives to the host. */
  present(): HostSession {
    const { data, expiresAt } = this.#session
    return { ...structuredClone(data), cookie: { ...cookieOf(data, expiresAt!), [TRAIL]: this } }
  }

  save(session: HostSession): ReturnType<ForeignSession['save']> {
    this.#known = dataOf(session, this.#known)
    return this.#session.save(this.#known)
  }
}

/** The trails of one store. */
export class Trails {
  readonly #known = new WeakMap<object, Trail>()

  /** Lets an object lead to what was loaded: a session, or its request. */
  lead(from: object, trail: Trail): void {
    this.#known.set(from, trail)
  }

  forget(from: object): void {
    this.#known.delete(from)
  }

  /** What a session object was loaded from; undefined: never from here. */
  of(id: string, session: object): Trail | undefined {
    for (const place of placesIn(session)) {
      const trail = this.#known.get(place) ?? (place as { [TRAIL]?: Trail })[TRAIL]
      if (trail?.leadsTo(id)) return trail
    }
    return undefined
  }
}

/**
 * True if express-session has taken a session from its request, by `destroy` or `regenerate`: one that was never stored has
 * nothing else that says so.
 */
export function wasDropped(session: object): boolean {
  const { req } = session as { req?: { session?: unknown } }
  return req !== undefined && req.session !== null && req.session !== session
}

/**
 * The session itself; its cookie, if it is a copy; its request, if it was made by hand; and what @fastify/session keeps
 * under symbols of its own.
 */
function placesIn(session: object): object[] {
  const { cookie, req } = session as { cookie?: unknown; req?: unknown }
  const own = Object.getOwnPropertySymbols(session).map((symbol) => (session as Record<symbol, unknown>)[symbol])
  return [session, cookie, req, ...own].filter((place) => typeof place === 'object' && place !== null)
}
