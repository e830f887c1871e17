import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, isEncrypted, sessionCookie, sessionResponse, type CookieOptions } from '@sess/http'
import type { Context, MiddlewareHandler } from 'hono'

/** What {@link session} adds to Hono's variables: `new Hono<{ Variables: SessionVariables<Data> }>()`. */
export interface SessionVariables<Data extends object = Record<string, unknown>> {
  /** The session of this request. */
  session: Session<Data>
}

/** Options of {@link session}. */
export interface SessionOptions {
  /** Of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
  /**
   * Counts the session of every request as used, so that no shared cache keeps a response, whatever its handler does. For
   * handlers that use the session for the first time while the body streams. Default: false.
   */
  readonly private?: boolean
  /**
   * A proxy that you run ends TLS, and sets X-Forwarded-Proto. Says that such a request came over https, so that a Secure
   * cookie on it is not reported; nothing else depends on it. Default: false.
   */
  readonly trustProxy?: boolean
}

const INSECURE =
  'If a proxy of yours ends TLS and sets X-Forwarded-Proto, pass { trustProxy: true }; for development over plain http pass { cookie: { secure: false } }.'

/**
 * Middleware that gives each request its session as `c.get('session')`.
 *
 * The session is loaded before the next handler runs (without a cookie: no I/O), and committed before the response is
 * returned. What changes while the body streams is committed at its end; what would then need a cookie throws
 * `response_started`. If a commit fails, the response is dropped with the fields of its body, and the error goes to
 * `app.onError`. A response whose session was not used (no property read, no method called) is left as it is, and the
 * session's idle clock stands still.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function session<Data extends object>(
  sessions: Sessions<Data>,
  { cookie: cookieOptions, private: isPrivate = false, trustProxy = false }: SessionOptions = {},
): MiddlewareHandler<{ Variables: SessionVariables<Data> }> {
  const cookie = sessionCookie(sessions, cookieOptions)
  const known = { encrypted: (request: Request): boolean => isEncrypted(request, trustProxy), advice: INSECURE }
  return async (c, next) => {
    if ((c.get('session') as unknown) !== undefined)
      throw new SessError(
        'invalid_option',
        "c.get('session') is there already: use session() once for a request, and no other session middleware",
      )
    const header = c.req.header('cookie')
    const loaded = cookie.beginning(header)?.() ?? (await cookie.load(header))
    c.set('session', loaded)
    const bound = bindingOf(loaded)
    if (isPrivate) bound.markUsed()
    try {
      await next()
    } catch (error) {
      // Hono hands most errors to `app.onError` in front of this. This one was its own, or no Error.
      await cookie.commitUnseen(loaded, false)
      throw error
    }
    const { res } = c
    let response: Response
    try {
      const answer = sessionResponse(cookie, loaded, c.req.raw, res, known)
      if (answer === res) return
      response = await answer
    } catch (error) {
      response = new Response(null, res)
      for (const name of fieldsOfBody) response.headers.delete(name)
      const { 'set-cookie': setCookies = [], ...fields } = cookie.headers(loaded, {
        vary: response.headers.get('vary'),
      })
      for (const [name, value] of Object.entries(fields)) response.headers.set(name, value)
      for (const field of setCookies) response.headers.append('set-cookie', field)
      replace(c, response)
      throw error
    }
    replace(c, response)
  }
}

/** Assigning a response merges the one before into it, so that of two Set-Cookie fields the older would be all. */
function replace(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}
