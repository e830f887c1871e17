import type { IncomingMessage, ServerResponse } from 'node:http'
import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, type SessionBinding } from '@sess/core/binding'
import { sessionCookie, type CookieOptions, type SessionCookie } from '@sess/http'
import { deferResponse, type Gates } from './deferred-response.ts'

/** Options of {@link session}. */
export interface SessionOptions {
  /** Of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
}

type Next = (error?: unknown) => void

const INSECURE =
  "If a proxy ends TLS, call app.set('trust proxy', 1), so that Express knows; for development over plain http pass { cookie: { secure: false } }."

/**
 * Middleware that gives each request its session as `req.session`.
 *
 * The session is loaded before the next handler runs (without a cookie: no I/O), and committed before the first byte of
 * the response leaves. What changes after that is committed before the response ends; what would then need a cookie throws
 * `response_started`. If a commit fails, nothing that was to be sent is: the error goes to the error handlers of the app
 * or router that uses this. A request that never touches `req.session` has nothing on its response changed, and does not
 * count as use.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function session<Data extends object>(
  sessions: Sessions<Data>,
  options: SessionOptions = {},
): (req: IncomingMessage, res: ServerResponse, next: Next) => void {
  const cookie = sessionCookie(sessions, options.cookie)
  return (req, res, next) => {
    if ('session' in req)
      return next(
        new SessError(
          'invalid_option',
          'req.session is there already: use session() once for a request, and no other session middleware',
        ),
      )
    cookie.load(req.headers.cookie).then((loaded) => {
      const request = req as SessionRequest
      request[VISIT] = new Visit(request, res, next, cookie, loaded)
      Object.defineProperty(req, 'session', SESSION)
      next()
    }, next)
  }
}

const VISIT: unique symbol = Symbol('@sess/express visit')

/** What Express and this module put on a request. */
type SessionRequest = IncomingMessage & { readonly secure?: boolean; [VISIT]: Visit }

// Of one accessor for all requests, rather than a closure for each, the engine can make one shape of object.
const SESSION = {
  configurable: true,
  get(this: SessionRequest): Session<object> {
    return this[VISIT].touch()
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
  readonly #session: Session<object>
  readonly #bound: SessionBinding
  #touched = false
  #headed = false
  #clientGone = false

  constructor(
    req: SessionRequest,
    res: ServerResponse,
    next: Next,
    cookie: SessionCookie<object>,
    loaded: Session<object>,
  ) {
    this.#req = req
    this.#res = res
    this.#next = next
    this.#cookie = cookie
    this.#session = loaded
    this.#bound = bindingOf(loaded)
  }

  /** The session. From the first time on, the response waits for it. */
  touch(): Session<object> {
    if (!this.#touched) this.#guard()
    return this.#session
  }

  #guard(): void {
    const res = this.#res
    this.#touched = true
    this.#headed = res.headersSent
    this.#clientGone = res.destroyed
    if (this.#headed || this.#clientGone) this.#bound.closeCookie()
    deferResponse(res, this)
    // The client went away, and the handler may never come to an end: what it changed is written all the same. So is what
    // was changed after the last byte.
    res.on('close', () => {
      this.#clientGone = !res.writableFinished
      if (this.#clientGone || this.#bound.needsCommit) this.#commitUnseen()
    })
  }

  /** A new session waits: it can still be made in the breath in which the answer was given, and not a moment later. */
  get pending(): boolean {
    return this.#bound.needsCommit || this.#bound.status === 'new'
  }

  start(): Promise<unknown> {
    return this.#bound.commit()
  }

  head(): void {
    const res = this.#res
    this.#bound.closeCookie()
    if (this.#headed) return
    this.#headed = true
    const fields = this.#cookie.headers(this.#session, {
      vary: textOf(res.getHeader('vary')),
      'cache-control': textOf(res.getHeader('cache-control')),
    })
    res.setHeader('vary', fields.vary)
    res.setHeader('cache-control', fields['cache-control'])
    const setCookie = fields['set-cookie']
    if (setCookie === undefined) return
    res.appendHeader('set-cookie', setCookie)
    const { headers, secure } = this.#req
    if (this.#cookie.attributes.secure && !secure) this.#cookie.reportInsecure(headers.host ?? '', INSECURE)
  }

  end(): Promise<unknown> {
    return this.#bound.commit()
  }

  failed(error: unknown, cut: boolean): void {
    if (this.#clientGone) return this.#commitUnseen()
    // A sign-in that was acknowledged stands, whatever failed after it: its cookie goes out with the error.
    if (!cut) this.head()
    this.#next(error)
  }

  #commitUnseen(): void {
    void this.#cookie.commitUnseen(this.#session, !this.#clientGone)
  }
}

function textOf(value: number | string | readonly string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value === undefined ? undefined : String(value)
}
