import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSessError, SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, checkOptions, type SessionBinding } from '@sess/core/binding'
import {
  sessionCookie,
  type CookieOptions,
  type PresentHeaders,
  type SessionCookie,
  type SessionHeaders,
} from '@sess/http'
import { sentFields } from '@sess/http/node'
import { canDefer, deferResponse, isDeferrable, type Gates } from './deferred-response.ts'

/** Options of {@link session}. */
export interface SessionOptions {
  /** Of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
  /**
   * Counts the session of every request as used, so that no shared cache keeps a response, whatever its handler does. For
   * handlers that use the session for the first time after the response has started. Default: false.
   */
  readonly private?: boolean
}

/** What {@link session} needs of a request of node:http, as Express, Connect and engine.io hand it on. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

type Next = (error?: unknown) => void

const INSECURE =
  "If a proxy ends TLS, call app.set('trust proxy', 1), so that Express knows; for development over plain http pass { cookie: { secure: false } }."

const ELSEWHERE = 'use sessionCookie() or withSession() of @sess/http'

/**
 * Middleware that gives each request its session as `req.session`.
 *
 * The session is loaded before the next handler runs (without a cookie: no I/O), and committed before the first byte of
 * the response leaves. What changes after that is committed before the response ends; what would then need a cookie throws
 * `response_started`. If a commit fails, nothing that was to be sent is: the error goes to the error handlers of the app
 * or router that uses this. A response whose session was not used (no property read, no method called) is left as it is, and
 * the session's idle clock stands still.
 *
 * @returns Middleware for requests and responses of node:http; another response is an `unsupported` error.
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function session<Data extends object>(
  sessions: Sessions<Data>,
  options: SessionOptions = {},
): (req: NodeRequest, res: object, next: Next) => void {
  const cookie = sessionCookie(sessions, checked(options).cookie)
  if (!canDefer())
    throw new SessError('unsupported', `the responses of this runtime's node:http cannot be held back; ${ELSEWHERE}`)
  return (req, res, next) => {
    if ('session' in req)
      return next(
        new SessError(
          'invalid_option',
          'req.session is there already: use session() once for a request, and no other session middleware',
        ),
      )
    if (!isDeferrable(res) && req.headers.upgrade === undefined)
      return next(
        new SessError('unsupported', `the response is none of node:http, and cannot be held back; ${ELSEWHERE}`),
      )
    const request = req as SessionRequest
    const admit = (given: Session<Data> | (() => Session<Data>)): void => {
      request[VISIT] = new Visit(request, res as ServerResponse, next, cookie, given)
      Object.defineProperty(req, 'session', SESSION)
      if (options.private) bindingOf(request[VISIT].session).markUsed()
      next()
    }
    const header = request.headers.cookie
    const beginning = cookie.beginning(header)
    if (beginning) admit(beginning)
    else cookie.load(header).then(admit, next)
  }
}

const NESTED = 'it is an option of the cookie: nest it, as in session(sessions, { cookie: { … } })'
const HINTS = {
  name: NESTED,
  secure: NESTED,
  sameSite: NESTED,
  path: NESTED,
  domain: NESTED,
  partitioned: NESTED,
  formerly: NESTED,
  httpOnly: 'the cookie always is; leave it out',
}

function checked(options: SessionOptions): SessionOptions {
  checkOptions(options, 'session()', { cookie: true, private: true }, HINTS)
  if (typeof (options.private ?? false) !== 'boolean')
    throw new SessError('invalid_option', 'private must be true or false')
  return options
}

const VISIT: unique symbol = Symbol('@sess/express visit')

/** What Express and this module put on a request. */
type SessionRequest = IncomingMessage & { readonly secure?: boolean; [VISIT]: Visit }

// Of one accessor for all requests, rather than a closure for each, the engine can make one shape of object.
const SESSION = {
  configurable: true,
  get(this: SessionRequest): Session<object> {
    return this[VISIT].session
  },
  set(): never {
    throw new TypeError('req.session cannot be replaced; assign req.session.data, or call req.session.logout()')
  },
}

/** A session during one request, and what its response waits for. */
class Visit implements Gates {
  readonly #req: SessionRequest
  readonly #res: ServerResponse
  readonly #next: Next
  readonly #cookie: SessionCookie<object>
  readonly #given: Session<object> | (() => Session<object>)
  #taken: Session<object> | undefined
  /** There once the session is taken, as is all else here. */
  #bound!: SessionBinding
  #clientGone = false
  /** A commit has failed. The answer that follows is the error's, and nothing is written any more. */
  #failed = false
  #reported = false

  constructor(
    req: SessionRequest,
    res: ServerResponse,
    next: Next,
    cookie: SessionCookie<object>,
    given: Session<object> | (() => Session<object>),
  ) {
    this.#req = req
    this.#res = res
    this.#next = next
    this.#cookie = cookie
    this.#given = given
  }

  /** The session. From the first time on, the response waits for it. */
  get session(): Session<object> {
    return this.#taken ?? this.#take()
  }

  #take(): Session<object> {
    const given = this.#given
    const session = typeof given === 'function' ? given() : given
    this.#taken = session
    this.#bound = bindingOf(session)
    this.#guard()
    return session
  }

  #guard(): void {
    const res = this.#res
    // What servers of WebSockets hand to middleware during a handshake: nothing that is written there is sent.
    if (!isDeferrable(res)) {
      this.#bound.closeCookie()
      this.#req.socket.once('close', () => this.#commitUnseen())
      return
    }
    this.#clientGone = res.destroyed
    const open = deferResponse(res, this)
    if (this.#clientGone) this.#bound.closeCookie()
    else if (!open) this.#headLeft(sentFields(res))
    // The client went away, and the handler may never come to an end: what it changed is written all the same. So is what
    // was changed after the last byte.
    res.on('close', () => {
      this.#clientGone = !res.writableFinished
      if (this.#givenUp) this.#reportUnwritten()
      else if (this.#clientGone || this.#bound.needsCommit) this.#commitUnseen()
    })
  }

  /** A new session waits: it can still be made in the breath in which the answer was given, and not a moment later. */
  get pending(): boolean {
    return !this.#givenUp && (this.#bound.needsCommit || this.#bound.status === 'new')
  }

  get changed(): boolean {
    return !this.#givenUp && this.#bound.needsCommit
  }

  /**
   * Whether nothing is to be tried any more: the application has been told of a failure, and has changed nothing since, or
   * answers with an error.
   */
  get #givenUp(): boolean {
    const { failure } = this.#bound
    return this.#failed || (failure?.heard === true && (!failure.changed || this.#answersWithError))
  }

  get #answersWithError(): boolean {
    return this.#res.statusCode >= 400
  }

  async start(): Promise<unknown> {
    try {
      return await this.#bound.commit()
    } catch (error) {
      // It may be an error handler's, and then nobody stands behind it. It claims nothing that is not so.
      if (!this.#answersWithError) throw error
      this.#failed = true
      this.#report(error)
      return undefined
    }
  }

  fields(present: PresentHeaders): SessionHeaders {
    this.#headLeft(present)
    const fields = this.#cookie.headers(this.session, present)
    const { headers, secure } = this.#req
    if (fields['set-cookie'] !== undefined && this.#cookie.attributes.secure && !secure)
      this.#cookie.reportInsecure(headers.host ?? '', INSECURE)
    return fields
  }

  end(): Promise<unknown> {
    return this.#bound.commit()
  }

  failed(error: unknown): void {
    this.#failed = true
    if (this.#clientGone) this.#report(error)
    else this.#next(error)
  }

  /** What the application changed after a failure, as an error handler may. */
  #reportUnwritten(): void {
    const { failure } = this.#bound
    if (failure?.changed) this.#report(failure.error)
  }

  /** The one event of a request whose changes are not written, apart from those of the store. */
  #report(error: unknown): void {
    // A new session of a client that has gone is not made, as its cookie cannot arrive: no failure.
    if (this.#reported || (this.#clientGone && isSessError(error, 'response_started'))) return
    this.#reported = true
    const { handle } = this.#bound
    this.#bound.report('error', {
      code: isSessError(error) ? error.code : 'unknown_outcome',
      operation: 'commit',
      error,
      ...(handle !== undefined && { handle }),
    })
  }

  #headLeft(sent: PresentHeaders): void {
    this.#cookie.headLeft(this.session, this.#req.method ?? '', sent)
  }

  #commitUnseen(): void {
    void this.#cookie.commitUnseen(this.session, !this.#clientGone)
  }
}
