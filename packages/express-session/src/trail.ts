import { isDeepStrictEqual } from 'node:util'
import type { ExternalIdSession } from '@sess/core/external-ids'
import { cookieOf, dataOf } from './cookie.ts'
import type { HostSession } from './host.ts'

/**
 * On a cookie that came from the store. Enumerable, and no text: so @fastify/session copies it with the other options of
 * the cookie, and nothing else sees it.
 */
const TRAIL = Symbol('@sess/express-session')

/** What a host's session object was loaded from, and how it is saved. */
export class Trail {
  readonly #id: string
  readonly #session: ExternalIdSession
  /** The cookie as it was last loaded or saved. */
  #cookie: unknown

  constructor(id: string, session: ExternalIdSession) {
    this.#id = id
    this.#session = session
    this.#cookie = session.data['cookie']
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

  /** What `get` gives to the host, to change it. */
  present(): HostSession {
    const { data, expiresAt } = this.#session
    return { ...data, cookie: { ...cookieOf(data, expiresAt!), [TRAIL]: this } }
  }

  save(session: HostSession): ReturnType<ExternalIdSession['save']> {
    const data = dataOf(session, this.#cookie)
    this.#cookie = data['cookie']
    return this.#session.save(data)
  }

  /** For a session that the host found unchanged: only its cookie may have other options. */
  touch(session: HostSession): ReturnType<ExternalIdSession['save']> {
    const { cookie } = dataOf({ cookie: session.cookie as unknown }, this.#cookie)
    return isDeepStrictEqual(cookie, this.#cookie) ? this.#session.touch() : this.save(session)
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
