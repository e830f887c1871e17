import type { ExternalIdSession } from '@sess/core/external-ids'
import { cookieOf, dataOf, isSameCookie, VERSION } from './cookie.ts'
import type { HostSession } from './host.ts'

/** The stored session from which a session object was loaded. It saves the object. */
export class Origin {
  readonly #id: string
  readonly #session: ExternalIdSession
  /** The cookie as it was last loaded or saved. */
  #cookie: unknown

  constructor(id: string, session: ExternalIdSession) {
    this.#id = id
    this.#session = session
  }

  /** False for a session that was neither loaded nor created. */
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
   * The result of `get`, which the session library may change.
   *
   * @param mark - The symbol of the property that refers to this origin. Copies by spread keep it.
   */
  present(mark: symbol): HostSession {
    const { data, expiresAt, version } = this.#session
    this.#cookie = data['cookie']
    // `data` is a new copy, so it may be changed.
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

  /** True if a touch would do nothing: it is not due, and the options of the cookie have not changed. */
  isTouched(session: HostSession): boolean {
    return !this.#session.needsTouch && isSameCookie(session.cookie, this.#cookie)
  }

  /** Touches a session whose data has not changed. If the options of its cookie have changed, it saves the session. */
  touch(session: HostSession): ReturnType<ExternalIdSession['save']> {
    return isSameCookie(session.cookie, this.#cookie) ? this.#session.touch() : this.save(session)
  }
}

/** Finds the origins of session objects of one store. */
export class Origins {
  /** The property of session objects, cookies and requests that refers to an origin. JSON, hashes and loops over keys do not see it. */
  readonly #mark = Symbol('@sess/express-session')
  /** The symbol under which @fastify/session keeps the options of the cookie; undefined until one was seen. */
  #optionsOf: symbol | undefined

  /** The result of `get` for the session library. */
  present(origin: Origin): HostSession {
    return origin.present(this.#mark)
  }

  /** Makes an object refer to an origin, by a property that is not enumerable. */
  lead(from: object, origin: Origin | undefined): void {
    if ((from as Record<symbol, unknown>)[this.#mark] !== origin && Object.isExtensible(from))
      Object.defineProperty(from, this.#mark, { value: origin, writable: true, configurable: true })
  }

  /** Makes a new session object of express-session, its cookie and its request refer to an origin. */
  leadAll(session: HostSession, request: object, origin: Origin): void {
    this.lead(session, origin)
    // Assigned, since that takes a fraction of the time. Only the properties of a session are compared by tests of apps.
    for (const place of [session.cookie, request] as Record<symbol, Origin>[]) place[this.#mark] = origin
  }

  /**
   * The origin of a session object, or of a copy that shares its cookie; undefined if it is not known.
   *
   * A session of @fastify/session is a copy of the result of `get`, and has the options of the cookie, which carry the mark, under a symbol
   * of its own. For a session object that an app made for a request of express-session, the request refers to the origin.
   */
  of(id: string, session: HostSession): Origin | undefined {
    return (
      this.#at(id, session) ??
      this.#at(id, session.cookie) ??
      this.#at(id, (session as { req?: unknown }).req) ??
      this.#amongOptions(id, session as never)
    )
  }

  /** True if the object refers to an origin of another store or of another ID. */
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
 * True if express-session has removed a session from its request, by `destroy` or `regenerate`. For a session that was never stored, this
 * is the only sign of its end.
 */
export function wasDropped(session: object): boolean {
  const { req } = session as { req?: { session?: unknown } }
  return req !== undefined && req.session !== null && req.session !== session
}
