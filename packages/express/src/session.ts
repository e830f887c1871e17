import type { IncomingMessage, ServerResponse } from 'node:http'
import { SessError, type Session, type Sessions } from '@sess/core'
import { sessionCookie, type CookieOptions, type SessionCookie } from '@sess/http'
import { DeferredResponse } from './deferred-response.ts'

/** Options of {@link session}. */
export interface SessionOptions {
  /** Of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
}

/** What Express puts on a request. */
type ExpressRequest = IncomingMessage & { readonly secure?: boolean }
type Next = (error?: unknown) => void

const INSECURE =
  "If a proxy ends TLS, call app.set('trust proxy', 1), so that Express knows; for development over plain http pass { cookie: { secure: false } }."

/**
 * Middleware that gives each request its session as `req.session`.
 *
 * The session is loaded before the next handler runs (without a cookie: no I/O), and committed before the first byte of
 * the response leaves. What changes after that is committed before the response ends; what would then need a cookie throws
 * `response_started`. If a commit fails, nothing that was to be sent is: the error goes to Express's error handlers. A
 * request that never touches `req.session` has nothing on its response changed, and does not count as use.
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
      attach(req, res, next, cookie, loaded)
      next()
    }, next)
  }
}

function attach<Data extends object>(
  req: ExpressRequest,
  res: ServerResponse,
  next: Next,
  cookie: SessionCookie<Data>,
  loaded: Session<Data>,
): void {
  let touched = false
  Object.defineProperty(req, 'session', {
    configurable: true,
    get() {
      if (!touched) guard(req, res, next, cookie, loaded)
      touched = true
      return loaded
    },
    set() {
      throw new TypeError('req.session cannot be replaced; assign req.session.data, or call req.session.logout()')
    },
  })
}

/** From now on the response waits for the session. */
function guard<Data extends object>(
  req: ExpressRequest,
  res: ServerResponse,
  next: Next,
  cookie: SessionCookie<Data>,
  loaded: Session<Data>,
): void {
  let headed = res.headersSent
  let gone = false
  const head = (): void => {
    loaded.closeCookie()
    if (headed) return
    headed = true
    const { 'set-cookie': setCookie, ...fields } = cookie.headers(loaded, {
      vary: textOf(res.getHeader('vary')),
      'cache-control': textOf(res.getHeader('cache-control')),
    })
    for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
    if (setCookie === undefined) return
    res.appendHeader('set-cookie', setCookie)
    if (cookie.attributes.secure && !req.secure) cookie.reportInsecure(req.headers.host ?? '', INSECURE)
  }
  const commit = async (): Promise<void> => void (await loaded.commit())
  if (headed) head()
  new DeferredResponse(res, {
    start: commit,
    head,
    end: commit,
    failed(error, cut) {
      if (gone) return void cookie.abandon(loaded)
      // A sign-in that was acknowledged stands, whatever failed after it: its cookie goes out with the error.
      if (!cut) head()
      next(error)
    },
  })
  // The client went away, and the handler may never come to an end: what it changed is written all the same.
  res.once('close', () => {
    gone = !res.writableFinished
    if (gone) void cookie.abandon(loaded)
  })
}

function textOf(value: number | string | readonly string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value === undefined ? undefined : String(value)
}
