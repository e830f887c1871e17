import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, isEncrypted, sessionCookie, sessionResponse, type CookieOptions } from '@sess/http'
import type { Context, MiddlewareHandler } from 'hono'

/** The variables that {@link session} adds to Hono's context: `new Hono<{ Variables: SessionVariables<Data> }>()`. */
export interface SessionVariables<Data extends object = Record<string, unknown>> {
  /** The session of this request. */
  session: Session<Data>
}

/** Options of {@link session}. */
export interface SessionOptions {
  /** The options of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
  /**
   * Counts the session of every request as used, so that no shared cache stores any response. Set this option if a handler uses the
   * session for the first time while the body streams. Default: false.
   */
  readonly private?: boolean
  /**
   * Set this option if your own proxy ends TLS and sets X-Forwarded-Proto. A request with `https` in that field then counts as https,
   * so a Secure cookie on the request is not reported as `insecure`. The option has no other effect. Default: false.
   */
  readonly trustProxy?: boolean
}

const INSECURE =
  'If your proxy ends TLS and sets X-Forwarded-Proto, pass { trustProxy: true }; for development over plain http pass { cookie: { secure: false } }.'

/**
 * Makes middleware that gives each request its session as `c.get('session')`.
 *
 * The middleware loads the session before the next handler runs (a request without a cookie costs no I/O), and commits it before the
 * response is returned. Changes while the body streams are committed when the body ends; an operation that then needs a new cookie
 * throws `response_started`. If a commit fails, the body and the header fields that describe it are dropped, and the error goes to
 * `app.onError`. If the session was not used (no property read, no method called), the response stays unchanged, and the session is not
 * touched: its idle timeout does not start again.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
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
        "c.get('session') is already set: use session() once per request, and no other session middleware",
      )
    const header = c.req.header('cookie')
    const loaded = cookie.beginning(header)?.() ?? (await cookie.load(header))
    c.set('session', loaded)
    const bound = bindingOf(loaded)
    if (isPrivate) bound.markUsed()
    try {
      await next()
    } catch (error) {
      // Hono passes most errors to `app.onError` before they get here. This error is from `app.onError` itself, or is not an `Error`.
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

/**
 * Replaces the response. Without the first assignment, Hono would merge the old response's fields into the new response. Then the
 * session's Set-Cookie field would be lost if the old response has a Set-Cookie field too.
 */
function replace(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}
