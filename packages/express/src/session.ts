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
import { canDefer, deferResponse, isDeferrable, type ResponseHooks } from './deferred-response.ts'

/** Options of {@link session}. */
export interface SessionOptions {
  /** The options of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
  /**
   * Counts the session of every request as used, so that no shared cache stores any response. Set this option if a handler uses the
   * session for the first time after the response has started. Default: false.
   */
  readonly private?: boolean
}

/** The part of a node:http request that {@link session} reads. Express, Connect and engine.io pass such requests to middleware. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

type Next = (error?: unknown) => void

const INSECURE =
  "If a proxy ends TLS, call app.set('trust proxy', 1), so that Express knows; for development over plain http pass { cookie: { secure: false } }."

const ELSEWHERE = 'use sessionCookie() or withSession() of @sess/http'

/**
 * Makes middleware that gives each request its session as `req.session`.
 *
 * The middleware loads the session before the next handler runs (a request without a cookie costs no I/O), and commits it before the first
 * byte of the response leaves. Changes after that are committed before the response ends; an operation that then needs a new cookie
 * throws `response_started`. If the commit before the first byte fails, the answer is dropped, and the error goes to the error handlers
 * of the app or router that uses the middleware. If a later commit fails, the connection is also closed. If the session was not used (no
 * property read, no method called), the response stays unchanged, and the session is not touched: its idle timeout does not start again.
 *
 * @returns Middleware for requests and responses of node:http. For another response it passes an `unsupported` error to `next`.
 * @throws {SessError} `invalid_option`; the message names the option.
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
          'req.session is already set: use session() once per request, and no other session middleware',
        ),
      )
    if (!isDeferrable(res) && req.headers.upgrade === undefined)
      return next(
        new SessError(
          'unsupported',
          `the response is not a ServerResponse of node:http, so it cannot be held back; ${ELSEWHERE}`,
        ),
      )
    const request = req as SessionRequest
    const admit = (given: Session<Data> | (() => Session<Data>)): void => {
      request[STATE] = new RequestSession(request, res as ServerResponse, next, cookie, given)
      Object.defineProperty(req, 'session', SESSION)
      if (options.private) bindingOf(request[STATE].session).markUsed()
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
  httpOnly: 'the cookie is always HttpOnly; leave it out',
}

function checked(options: SessionOptions): SessionOptions {
  checkOptions(options, 'session()', { cookie: true, private: true }, HINTS)
  if (typeof (options.private ?? false) !== 'boolean')
    throw new SessError('invalid_option', 'private must be true or false')
  return options
}

const STATE: unique symbol = Symbol('@sess/express session')

/** A request with the properties that Express and this module add. */
type SessionRequest = IncomingMessage & { readonly secure?: boolean; [STATE]: RequestSession }

// All requests share this accessor, so that the engine can use one object shape for all of them.
const SESSION = {
  configurable: true,
  get(this: SessionRequest): Session<object> {
    return this[STATE].session
  },
  set(): never {
    throw new TypeError('req.session cannot be replaced; assign req.session.data, or call req.session.logout()')
  },
}

/** The session of one request, and the hooks that make the response wait for the commit. */
class RequestSession implements ResponseHooks {
  readonly #req: SessionRequest
  readonly #res: ServerResponse
  readonly #next: Next
  readonly #cookie: SessionCookie<object>
  readonly #given: Session<object> | (() => Session<object>)
  #taken: Session<object> | undefined
  /** Set by `#take`. All other members are used after `#take` only. */
  #bound!: SessionBinding
  #clientGone = false
  /** A commit has failed. The next answer is an error handler's, and the session is not committed again. */
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

  /** The session. From the first read on, the response waits for the commit. */
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
    // During a handshake, WebSocket servers pass a response to middleware that never sends anything.
    if (!isDeferrable(res)) {
      this.#bound.closeCookie()
      this.#req.socket.once('close', () => this.#commitUnseen())
      return
    }
    this.#clientGone = res.destroyed
    const open = deferResponse(res, this)
    if (this.#clientGone) this.#bound.closeCookie()
    else if (!open) this.#headLeft(sentFields(res))
    // If the client disconnected, the handler may never end the response, so its changes are committed here. So are changes after
    // the last byte.
    res.on('close', () => {
      this.#clientGone = !res.writableFinished
      if (this.#givenUp) this.#reportUnwritten()
      else if (this.#clientGone || this.#bound.needsCommit) this.#commitUnseen()
    })
  }

  /** True also for a new session: the handler may still change it in the same tick, but it can get a cookie only before the head leaves. */
  get pending(): boolean {
    return !this.#givenUp && (this.#bound.needsCommit || this.#bound.status === 'new')
  }

  get changed(): boolean {
    return !this.#givenUp && this.#bound.needsCommit
  }

  /**
   * True if the session must not be committed again: a commit failed here, or the application got the error of a failed operation, and
   * either changed nothing since or answers with an error.
   */
  get #givenUp(): boolean {
    const { failure } = this.#bound
    return this.#failed || (failure?.heard === true && (!failure.changed || this.#answersWithError))
  }

  get #answersWithError(): boolean {
    return this.#res.statusCode >= 400
  }

  async beforeHead(): Promise<unknown> {
    try {
      return await this.#bound.commit()
    } catch (error) {
      // The answer is an error, so it claims no success and is sent. It may be an error handler's, which no other handler follows.
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

  beforeEnd(): Promise<unknown> {
    return this.#bound.commit()
  }

  failed(error: unknown): void {
    this.#failed = true
    if (this.#clientGone) this.#report(error)
    else this.#next(error)
  }

  /** Reports changes that the application, for instance an error handler, made after a failure. They are not written. */
  #reportUnwritten(): void {
    const { failure } = this.#bound
    if (failure?.changed) this.#report(failure.error)
  }

  /** Emits an `error` event because changes were not written, at most once per request. The store's own events come in addition. */
  #report(error: unknown): void {
    // If the client disconnected, a new session is not created, because its cookie cannot arrive. That is not a failure.
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
