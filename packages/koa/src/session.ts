import { Readable } from 'node:stream'
import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, sessionCookie, type CookieOptions, type SessionCookie } from '@sess/http'
import { Visit } from '@sess/http/node'
import type { Context, Middleware } from 'koa'

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

const INSECURE =
  'If a proxy ends TLS, set app.proxy = true, so that Koa knows; for development over plain http pass { cookie: { secure: false } }.'

/**
 * Middleware that gives each request its session as `ctx.session`.
 *
 * The session is loaded before the next middleware runs (without a cookie: no I/O), and committed when it has come back. What
 * changes while a body streams is committed before its end; what would then need a cookie throws `response_started`. If a commit
 * fails, `ctx.body` and its fields are dropped, and the error goes up to the middleware in front. A response whose session was
 * not used (no property read, no method called) is left as it is, and the session's idle clock stands still.
 *
 * @throws {SessError} `invalid_option`, naming the option.
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
      // What answers it stands in front, and its answer claims no success.
      if (visit.taken) await cookie.commit(visit.taken, 500)
      throw error
    }
    if (visit.taken) await commit(ctx, cookie, visit.taken)
  }
}

const VISIT: unique symbol = Symbol('@sess/koa visit')

/** Null: a context that can be given a session, and has none. */
type Visited = Context & { [VISIT]?: Visit<object> | null }

/**
 * Makes `ctx.session` ready: for all contexts of an application when its first comes, since a property of its own would cost each request
 * more than all else here.
 *
 * @throws {SessError} `invalid_option` where the context has a session, of whatever library.
 */
function prepare(ctx: Visited): void {
  if (ctx[VISIT] === null && !Object.hasOwn(ctx, 'session')) return
  if (Reflect.has(ctx, 'session'))
    throw new SessError(
      'invalid_option',
      'ctx.session is there already: use session() once for a request, and no other session middleware',
    )
  const shared = ctx.app?.context as object | undefined
  const holder = shared && Object.getPrototypeOf(ctx) === shared ? shared : ctx
  Object.defineProperties(holder, { session: SESSION, [VISIT]: { value: null, writable: true } })
}

const SESSION = {
  get(this: Visited): Session<object> | undefined {
    return this[VISIT]?.session
  },
  /** Where this middleware does not run, it stands in nobody's way. */
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
  // What was changed after the connection had closed is not written by its `close` any more.
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
  // Where the type is JSON, Koa would take no body for the text `null`.
  ctx.body = undefined
  // For middleware in front that answers without a status of its own.
  ctx.status = 500
}
