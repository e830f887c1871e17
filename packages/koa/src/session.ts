import { Readable } from 'node:stream'
import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, sessionCookie, type CookieOptions, type SessionCookie } from '@sess/http'
import { Visit } from '@sess/http/node'
import type { Context, Middleware } from 'koa'

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

const INSECURE =
  'If a proxy ends TLS, set app.proxy = true, so that Koa knows; for development over plain http pass { cookie: { secure: false } }.'

/**
 * Makes middleware that gives each request its session as `ctx.session`.
 *
 * The middleware loads the session before it calls the next middleware (a request without a cookie costs no I/O), and commits the
 * session after that returned. Changes while a body streams are committed before the body ends; an operation that then needs a new
 * cookie throws `response_started`. If a commit fails, `ctx.body` and the header fields that describe it are dropped, and the error is
 * thrown to the middleware in front. If the session was not used (no property read, no method called), the response stays unchanged, and
 * the session is not touched: its idle timeout does not start again.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
 */
export function session<Data extends object>(sessions: Sessions<Data>, options: SessionOptions = {}): Middleware {
  const cookie = sessionCookie(sessions, options.cookie)
  return async (ctx: Context, next) => {
    prepare(ctx)
    const header = ctx.req.headers.cookie
    const visit = new Visit(cookie, ctx.res, cookie.beginning(header) ?? (await cookie.load(header)), {
      method: ctx.method,
      plainHost: () => (ctx.secure ? undefined : ctx.host),
      advice: INSECURE,
    })
    ;(ctx as Visited)[VISIT] = visit
    if (options.private) bindingOf(visit.session).markUsed()
    try {
      await next()
    } catch (error) {
      // The middleware in front will answer with an error. That answer claims no success, so a failed commit does not replace the error.
      if (visit.taken) await cookie.commit(visit.taken, 500)
      throw error
    }
    if (visit.taken) await commit(ctx, cookie, visit.taken)
  }
}

const VISIT: unique symbol = Symbol('@sess/koa visit')

/** The Visit is null if `ctx.session` is defined on the context, and this middleware has not run for it. */
type Visited = Context & { [VISIT]?: Visit<object> | null }

/**
 * Defines `ctx.session`. It defines the property once on the prototype of the application's contexts, at the first request: a property on
 * each context would cost each request more than all other work of this middleware.
 *
 * @throws {SessError} `invalid_option` if the context already has a session, of this or another library.
 */
function prepare(ctx: Visited): void {
  if (ctx[VISIT] === null && !Object.hasOwn(ctx, 'session')) return
  if (Reflect.has(ctx, 'session'))
    throw new SessError(
      'invalid_option',
      'ctx.session is already set: use session() once per request, and no other session middleware',
    )
  const shared = ctx.app?.context as object | undefined
  const holder = shared && Object.getPrototypeOf(ctx) === shared ? shared : ctx
  Object.defineProperties(holder, { session: SESSION, [VISIT]: { value: null, writable: true } })
}

const SESSION = {
  get(this: Visited): Session<object> | undefined {
    return this[VISIT]?.session
  },
  /** On a context for which this middleware did not run, `session` can be assigned as any property can. */
  set(this: Visited, value: unknown): void {
    if (this[VISIT])
      throw new TypeError('ctx.session cannot be replaced; assign ctx.session.data, or call ctx.session.logout()')
    Object.defineProperty(this, 'session', { value, writable: true, enumerable: true, configurable: true })
  },
}

async function commit<Data extends object>(
  ctx: Context,
  cookie: SessionCookie<Data>,
  session: Session<Data>,
): Promise<void> {
  // The response's `close` event is over, so changes since then have to be committed here.
  if (!ctx.writable) return cookie.commitUnseen(session, false, ctx.status)
  try {
    await cookie.commit(session, ctx.status)
  } catch (error) {
    dropBody(ctx)
    throw error
  }
}

function dropBody(ctx: Context): void {
  const { body } = ctx
  if (body instanceof Readable) body.on('error', () => {}).destroy()
  for (const name of fieldsOfBody) ctx.remove(name)
  // Set after the type is removed: with a JSON type, Koa would send the text `null` for a missing body.
  ctx.body = undefined
  // For middleware in front that answers the error without setting a status.
  ctx.status = 500
}
