import { stringifySetCookie } from 'cookie'
import { isSessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, sessionsBindingOf, type SessionBinding } from '@sess/core/binding'
import { cacheControlWith, sharedCacheMayStore, varyWith } from './caching.ts'
import { attributesOf, type CookieAttributes, type CookieOptions } from './cookie-options.ts'
import { formerCookiesOf, removalOf } from './former-cookies.ts'

/** The header fields of a response that are there already. The session's depend on these alone. */
export interface PresentHeaders {
  readonly vary?: string | null | undefined
  readonly 'cache-control'?: string | null | undefined
}

/**
 * The header fields that a response needs. `vary` and `cache-control` are to be set; each text of `set-cookie` is a field of its
 * own, to be added to others, in this order. None: leave the response alone.
 */
export interface SessionHeaders {
  readonly vary?: string
  readonly 'cache-control'?: string
  /** Never an empty list. The session cookie's own is the last; cookies that it had formerly are removed before. */
  readonly 'set-cookie'?: readonly string[]
}

/** Reads a session from a request's Cookie header, and says which header fields the response needs. */
export interface SessionCookie<Data extends object = Record<string, unknown>> {
  /** What the cookie is like. */
  readonly attributes: CookieAttributes

  /**
   * Loads the session. Of several cookies of this name, the first counts that opens a session: browsers send the one with
   * the longest path first (RFC 6265, section 5.4). At most four are tried. `logout` ends the sessions of all of them. Of a
   * name that begins with `__Host-` no other path or host can set another.
   *
   * @param cookieHeader - The request's Cookie header, as it is. One of more than 65,536 characters is taken for one
   *   without a session, and reported as a `rejected` event.
   * @throws {SessError} As `sessions.load`.
   */
  load(cookieHeader: string | null | undefined): Promise<Session<Data>>

  /**
   * For bindings: what makes the session of a request that brings none, at once, and no earlier than it is called. Undefined: there is
   * something to wait for, and it is for {@link SessionCookie.load}.
   *
   * @param cookieHeader - The request's Cookie header, as it is.
   */
  beginning(cookieHeader: string | null | undefined): (() => Session<Data>) | undefined

  /**
   * The header fields of a response that was made with this session. Call it after `commit()`, before the response's
   * head leaves.
   *
   * `Vary: Cookie` and `Cache-Control: private`, so that no shared cache hands it to others; with a Set-Cookie, `no-store`
   * too. `Set-Cookie` only if the session's secret is new, or its own request ended it; then also for each cookie of the option
   * `formerly`. No field at all for a session that
   * was not used: the response says nothing of it, and caches may keep the response.
   *
   * @param present - What the response has of these fields: it is kept where it is stricter.
   */
  headers(session: Session<Data>, present?: PresentHeaders): SessionHeaders

  /**
   * For bindings: says that the head has left, with these fields. What would need a cookie throws `response_started` from now
   * on. If the session was not used yet, and a shared cache may store the response, a first use is an `uncacheable_late` event.
   *
   * @param method - Of the request.
   * @param sent - A function is asked when it is needed: at a first use after this.
   */
  headLeft(session: Session<Data>, method: string, sent?: PresentHeaders | (() => PresentHeaders)): void

  /**
   * For bindings: reports that a Secure cookie goes out on a request that looks like plain http, as an `insecure` event
   * and, the first time, a line on the console. Requests to a loopback host are left out: browsers take it there.
   *
   * @param host - The host that the browser asked, with or without a port.
   * @param advice - What to do about it.
   */
  reportInsecure(host: string, advice: string): void

  /**
   * For bindings, before the head leaves: commits what the session has to write. Resolves where the answer may be sent.
   *
   * An answer with a status of 400 or more claims nothing, and may be an error handler's: it is sent although the commit
   * failed, and the failure is an `error` event. What the application was told of, because it awaited the operation that
   * failed, is not tried again; nor is anything after a commit that failed here.
   *
   * @param status - Of the answer.
   * @throws As `session.commit`: the answer must not be sent, and the error goes to the application's error handlers. Their
   *   answer comes here as well.
   */
  commit(session: Session<Data>, status: number): Promise<void>

  /**
   * For bindings, before the last byte of a body whose head has left: commits what changed meanwhile.
   *
   * @param status - Of the answer.
   * @throws As `session.commit`: the body is to be cut short, so that nobody takes it for whole.
   */
  commitAtEnd(session: Session<Data>, status: number): Promise<void>

  /**
   * For bindings: whether {@link SessionCookie.commit} would do nothing, as the application has been told of a failure.
   *
   * @param status - Of the answer.
   */
  isGivenUp(session: Session<Data>, status: number): boolean

  /**
   * For bindings, when nobody is left to answer: commits. Never rejects: an error becomes an `error` event, and so do changes
   * that were made after a failure and are not written.
   *
   * @param answered - True: the whole response has left. False: the client has gone, and a session that would be new is
   *   not created, nor is that an error, as its cookie cannot arrive.
   * @param status - Of the answer, as far as there is one.
   */
  commitUnseen(session: Session<Data>, answered: boolean, status?: number): Promise<void>
}

const LONGEST_HEADER = 65_536

/**
 * The session cookie of an application: what every binding stands on. Sockets, server actions and tests use it directly.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 * @see https://www.rfc-editor.org/rfc/rfc6265
 */
export function sessionCookie<Data extends object>(
  sessions: Sessions<Data>,
  options: CookieOptions = {},
): SessionCookie<Data> {
  const binding = sessionsBindingOf(sessions)
  const attributes = attributesOf(options)
  const formerly = formerCookiesOf(options.formerly, attributes).map((former) => removalOf(attributes, former))
  let told = false
  const failed = new WeakSet<SessionBinding>()
  const reported = new WeakSet<SessionBinding>()
  const givenUp = (bound: SessionBinding, status: number): boolean => {
    const { failure } = bound
    return failed.has(bound) || (failure?.heard === true && (!failure.changed || status >= 400))
  }
  /** The one event of a request whose changes are not written, apart from those of the store. */
  const report = (bound: SessionBinding, operation: string, error: unknown): void => {
    if (reported.has(bound)) return
    reported.add(bound)
    const { handle } = bound
    const code = isSessError(error) ? error.code : 'unknown_outcome'
    bound.report('error', { code, operation, error, ...(handle !== undefined && { handle }) })
  }
  /** Nothing is tried any more; what was changed all the same is an event. */
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
      if (!told) console.warn(message)
      told = true
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
 * The values of a name in a Cookie header, in order. Nothing is decoded: a session's value needs none. A value ends at a comma,
 * as where somebody joined two header fields with one.
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
 * The name stands behind a comma, where two header fields were joined. That is reported and not taken for the session's cookie:
 * a browser sends commas within the values of other cookies, which somebody else may have set.
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
