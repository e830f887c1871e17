import type { ExternalIdSession } from '@sess/core/external-ids'
import { cookieOf, dataOf, isSameCookie, VERSION } from './cookie.ts'
import type { HostSession } from './host.ts'

/** What a host's session object was loaded from, and how it is saved. */
export class Origin {
  readonly #id: string
  readonly #session: ExternalIdSession
  /** The cookie as it was last loaded or saved. */
  #cookie: unknown

  constructor(id: string, session: ExternalIdSession) {
    this.#id = id
    this.#session = session
  }

  /** False for a session that was never loaded, nor created yet. */
  get isStored(): boolean {
    return this.#session.expiresAt !== undefined
  }

  get handle(): string {
    return this.#session.handle
  }

  isOf(id: string): boolean {
    return this.#id === id
  }

  /**
   * What `get` gives to the host, to change it.
   *
   * @param mark - The symbol under which it leads back here; copies by spread carry it on.
   */
  present(mark: symbol): HostSession {
    const { data, expiresAt, version } = this.#session
    this.#cookie = data['cookie']
    // The session's data is a copy already, and this holder's own.
    const cookie: Record<PropertyKey, unknown> = cookieOf(data, expiresAt!)
    cookie[VERSION] = version
    cookie[mark] = this
    const session: Record<PropertyKey, unknown> = data
    session['cookie'] = cookie
    session[mark] = this
    return session as unknown as HostSession
  }

  save(session: HostSession): ReturnType<ExternalIdSession['save']> {
    const data = dataOf(session, this.#cookie)
    this.#cookie = data['cookie']
    return this.#session.save(data)
  }

  /** True if a touch would do nothing: the expiry is not due to move, and the cookie has the options that it had. */
  isTouched(session: HostSession): boolean {
    return !this.#session.needsTouch && isSameCookie(session.cookie, this.#cookie)
  }

  /** For a session that the host found unchanged: only its cookie may have other options. */
  touch(session: HostSession): ReturnType<ExternalIdSession['save']> {
    return isSameCookie(session.cookie, this.#cookie) ? this.#session.touch() : this.save(session)
  }
}

/** Where the session objects of one store lead: to what they were loaded from. */
export class Origins {
  /** On session objects, their cookies and requests. JSON, hashes and loops over keys do not see it. */
  readonly #mark = Symbol('@sess/express-session')
  /** The symbol under which a session of @fastify/session keeps its cookie's options, once one was seen. */
  #optionsOf: symbol | undefined

  /** What `get` gives to the host. */
  present(origin: Origin): HostSession {
    return origin.present(this.#mark)
  }

  /** Lets an object lead to what was loaded, without a trace in what an app sees of it. */
  lead(from: object, origin: Origin | undefined): void {
    if ((from as Record<symbol, unknown>)[this.#mark] !== origin && Object.isExtensible(from))
      Object.defineProperty(from, this.#mark, { value: origin, writable: true, configurable: true })
  }

  /**
   * What a session object was loaded from, or a copy that shares its cookie; undefined: not known.
   *
   * A session of @fastify/session is a copy of what `get` gave, with the cookie's options, and so the mark on these, under
   * a symbol of its own. One that was made by hand for a request of express-session leads there by the request.
   */
  of(id: string, session: HostSession): Origin | undefined {
    return (
      this.#at(id, session) ??
      this.#at(id, session.cookie) ??
      this.#at(id, (session as { req?: unknown }).req) ??
      this.#amongOptions(id, session as never)
    )
  }

  /** True for what leads to what another store, or another ID, gave. */
  isElsewhere(session: HostSession): boolean {
    return Object.getOwnPropertySymbols(session).some(
      (symbol) => ((session as never)[symbol] as unknown) instanceof Origin,
    )
  }

  #amongOptions(id: string, session: Readonly<Record<symbol, unknown>>): Origin | undefined {
    if (this.#optionsOf !== undefined && this.#optionsOf in session) return this.#at(id, session[this.#optionsOf])
    for (const symbol of Object.getOwnPropertySymbols(session)) {
      const origin = this.#at(id, session[symbol])
      if (!origin) continue
      this.#optionsOf = symbol
      return origin
    }
    return undefined
  }

  #at(id: string, place: unknown): Origin | undefined {
    if (typeof place !== 'object' || place === null) return undefined
    const origin = (place as Record<symbol, Origin | undefined>)[this.#mark]
    return origin?.isOf(id) ? origin : undefined
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
