import { stringifySetCookie } from 'cookie'
import { isSessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, sessionsBindingOf, type SessionBinding } from '@sess/core/binding'
import { cacheControlWith, sharedCacheMayStore, varyWith } from './caching.ts'
import { attributesOf, type CookieAttributes, type CookieOptions } from './cookie-options.ts'
import { formerCookiesOf, removalOf } from './former-cookies.ts'

/** The fields that a response already has, as far as the session's header fields depend on them. */
export interface PresentHeaders {
  readonly vary?: string | null | undefined
  readonly 'cache-control'?: string | null | undefined
}

/**
 * The header fields that a response needs for its session. Set `vary` and `cache-control`. Append each string of `set-cookie` as a
 * separate Set-Cookie field, in this order. If the object is empty, leave the response alone.
 */
export interface SessionHeaders {
  readonly vary?: string
  readonly 'cache-control'?: string
  /** Never an empty list. The last field is the session cookie's; the fields before it remove the cookies of `formerly`. */
  readonly 'set-cookie'?: readonly string[]
}

/** Loads a session from a request's Cookie header, and computes the header fields that the response needs. */
export interface SessionCookie<Data extends object = Record<string, unknown>> {
  /** The cookie's name and attributes. */
  readonly attributes: CookieAttributes

  /**
   * Loads the session. If the request has several cookies with this name, the first cookie that opens a session counts: browsers send
   * the cookie with the longest path first (RFC 6265, section 5.4). At most four cookies are tried. `logout` ends the sessions of all
   * of them. If the name begins with `__Host-`, no other path or host can set a second cookie with this name.
   *
   * @param cookieHeader - The request's Cookie header, unchanged. A header of more than 65,536 characters counts as a header without a
   *   session cookie, and is reported as a `rejected` event.
   * @throws {SessError} As `sessions.load`.
   */
  load(cookieHeader: string | null | undefined): Promise<Session<Data>>

  /**
   * For bindings: returns a function that makes a new session synchronously, for a request without a session cookie. The session is
   * made when that function is called. If undefined is returned, call {@link SessionCookie.load} instead: loading may have to wait.
   *
   * @param cookieHeader - The request's Cookie header, unchanged.
   */
  beginning(cookieHeader: string | null | undefined): (() => Session<Data>) | undefined

  /**
   * Returns the header fields for the response of a request with this session. Call it after `commit()`, before the response's
   * head leaves.
   *
   * `Vary: Cookie` and `Cache-Control: private` forbid shared caches to give the response to other users. With a Set-Cookie field,
   * `no-store` is added. There is a `Set-Cookie` field only if the session got a new secret, or ended during this request; then there
   * is also a field for each cookie of the option `formerly`. For a session that was not used the result is empty: the response does
   * not depend on the session, and caches may store the response.
   *
   * @param present - The fields that the response already has. Stricter directives are kept.
   */
  headers(session: Session<Data>, present?: PresentHeaders): SessionHeaders

  /**
   * For bindings: records that the head has left. From then on, an operation that needs a new cookie throws `response_started`. If the
   * session was not used yet, and a shared cache may store the response, the first use emits an `uncacheable_late` event.
   *
   * @param method - The method of the request.
   * @param sent - The fields of the head; or a function that returns them. The function is called at a first use after this call.
   */
  headLeft(session: Session<Data>, method: string, sent?: PresentHeaders | (() => PresentHeaders)): void

  /**
   * For bindings: reports that a response sets a Secure cookie although its request looks like plain http. It emits an `insecure` event
   * and, the first time, writes a warning to the console. It reports nothing for a loopback host, where browsers accept the cookie.
   *
   * @param host - The host that the browser requested, with or without a port.
   * @param advice - The end of the warning: it says how to fix that.
   */
  reportInsecure(host: string, advice: string): void

  /**
   * For bindings, before the head leaves: commits the session's changes. If the promise resolves, send the response.
   *
   * A response with a status of 400 or more claims no success, and may come from an error handler. So it is sent even if the commit
   * fails, and the failure becomes an `error` event. A failed operation that the application awaited is not tried again, because the
   * application has its error already. After a commit failed here, nothing is tried again.
   *
   * @param status - The status of the response.
   * @throws As `session.commit`. Do not send the response; give the error to the application's error handlers. Call `commit` for their
   *   response too.
   */
  commit(session: Session<Data>, status: number): Promise<void>

  /**
   * For bindings, before the last byte of a body whose head has left: commits the changes since then.
   *
   * @param status - The status of the response.
   * @throws As `session.commit`. Cut the body short, so that the client does not take the body for complete.
   */
  commitAtEnd(session: Session<Data>, status: number): Promise<void>

  /**
   * For bindings: returns true if {@link SessionCookie.commit} would not write, because the application has the error of an earlier
   * failure already.
   *
   * @param status - The status of the response.
   */
  isGivenUp(session: Session<Data>, status: number): boolean

  /**
   * For bindings, when no response can report a failure any more: commits. It never rejects: an error becomes an `error` event. Changes
   * that were made after a failure are not written, and become an `error` event too.
   *
   * @param answered - True if the whole response has left. False if the client disconnected: then a new session is not created, because
   *   its cookie cannot arrive, and that is not an error.
   * @param status - The status of the response, if there is a response.
   */
  commitUnseen(session: Session<Data>, answered: boolean, status?: number): Promise<void>
}

const LONGEST_HEADER = 65_536

/**
 * Makes the session cookie of an application. Every binding uses it; sockets, server actions and tests use it directly.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
 * @see https://www.rfc-editor.org/rfc/rfc6265
 */
export function sessionCookie<Data extends object>(
  sessions: Sessions<Data>,
  options: CookieOptions = {},
): SessionCookie<Data> {
  const binding = sessionsBindingOf(sessions)
  const attributes = attributesOf(options)
  const formerly = formerCookiesOf(options.formerly, attributes).map((former) => removalOf(attributes, former))
  let warned = false
  const failed = new WeakSet<SessionBinding>()
  const reported = new WeakSet<SessionBinding>()
  const givenUp = (bound: SessionBinding, status: number): boolean => {
    const { failure } = bound
    return failed.has(bound) || (failure?.heard === true && (!failure.changed || status >= 400))
  }
  /** Emits an `error` event because changes were not written, at most once per request. The store's own events come in addition. */
  const report = (bound: SessionBinding, operation: string, error: unknown): void => {
    if (reported.has(bound)) return
    reported.add(bound)
    const { handle } = bound
    const code = isSessError(error) ? error.code : 'unknown_outcome'
    bound.report('error', { code, operation, error, ...(handle !== undefined && { handle }) })
  }
  /** True if the session must not be committed again. Changes since the failure are then reported as an `error` event. */
  const leftOut = (bound: SessionBinding, status: number): boolean => {
    if (!givenUp(bound, status)) return false
    if (bound.failure?.changed) report(bound, 'commit', bound.failure.error)
    return true
  }
  return {
    attributes,
    load(cookieHeader) {
      if (!cookieHeader) return sessions.load(undefined)
      if (cookieHeader.length > LONGEST_HEADER) {
        binding.report('rejected', { reason: 'malformed' })
        return sessions.load(undefined)
      }
      const values = valuesOf(cookieHeader, attributes.name)
      if (!values.length && isJoined(cookieHeader, attributes.name)) binding.report('rejected', { reason: 'malformed' })
      return binding.load(values)
    },
    beginning(cookieHeader) {
      const others = !cookieHeader || (cookieHeader.length <= LONGEST_HEADER && !cookieHeader.includes(attributes.name))
      return others ? binding.begin : undefined
    },
    headers(session, present = {}) {
      const bound = bindingOf(session)
      if (!bound.used) return {}
      const { cookieChange: change } = bound
      return {
        vary: varyWith(present.vary, 'Cookie'),
        'cache-control': cacheControlWith(present['cache-control'], change !== undefined),
        ...(change && {
          'set-cookie': [
            ...formerly,
            change.action === 'remove'
              ? removalOf(attributes)
              : stringifySetCookie({
                  ...attributes,
                  value: change.value,
                  ...(change.maxAgeMs !== undefined && { maxAge: Math.floor(change.maxAgeMs / 1000) }),
                }),
          ],
        }),
      }
    },
    headLeft(session, method, sent = {}) {
      const bound = bindingOf(session)
      bound.closeCookie({
        shared: () => sharedCacheMayStore(method, typeof sent === 'function' ? sent() : sent),
      })
    },
    reportInsecure(host, advice) {
      if (isLoopback(host)) return
      const message = `@sess: a Secure cookie was set on a request to ${host} that looks like plain http; browsers drop it there. ${advice}`
      binding.report('insecure', { message })
      if (!warned) console.warn(message)
      warned = true
    },
    async commit(session, status) {
      const bound = bindingOf(session)
      if (leftOut(bound, status)) return
      try {
        await bound.commit()
      } catch (error) {
        failed.add(bound)
        if (status < 400) throw error
        report(bound, 'commit', error)
      }
    },
    async commitAtEnd(session, status) {
      const bound = bindingOf(session)
      if (leftOut(bound, status)) return
      try {
        await bound.commit()
      } catch (error) {
        failed.add(bound)
        throw error
      }
    },
    isGivenUp: (session, status) => givenUp(bindingOf(session), status),
    async commitUnseen(session, answered, status = 0) {
      const bound = bindingOf(session)
      bound.closeCookie()
      if (leftOut(bound, status)) return
      try {
        await bound.commit()
      } catch (error) {
        if (isSessError(error) && error.code === 'response_started' && !answered) return
        report(bound, 'commit with nobody left to answer', error)
      }
    },
  }
}

/**
 * Returns the values of the cookies with this name in a Cookie header, in order. It decodes nothing, because a session's value needs no
 * decoding. A value also ends at a comma, because some servers join two Cookie fields with a comma.
 */
function valuesOf(header: string, name: string): string[] {
  const values: string[] = []
  for (let start = 0; start < header.length;) {
    const semicolon = header.indexOf(';', start)
    const end = semicolon < 0 ? header.length : semicolon
    const at = header.indexOf('=', start)
    if (at >= 0 && at < end && header.slice(start, at).trim() === name) {
      const comma = header.indexOf(',', at)
      const value = header.slice(at + 1, comma >= 0 && comma < end ? comma : end).trim()
      if (value) values.push(value.replace(/^"(.*)"$/, '$1'))
    }
    start = end + 1
  }
  return values
}

/**
 * True if the name follows a comma, as when two Cookie fields were joined. Such a cookie is reported, and not used as the session
 * cookie: the comma may be part of another cookie's value, which an attacker may have set.
 */
function isJoined(header: string, name: string): boolean {
  return header
    .split(',')
    .slice(1)
    .some((pair) => pair.split('=', 1)[0]!.trim() === name)
}

function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return /^(?:.+\.)?localhost$|^127\.\d+\.\d+\.\d+$|^\[?::1\]?$/i.test(name)
}
