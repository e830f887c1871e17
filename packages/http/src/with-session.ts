import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, checkOptions, type OptionNames } from '@sess/core/binding'
import { COOKIE_HINTS, COOKIE_OPTIONS, type CookieOptions } from './cookie-options.ts'
import { sessionCookie } from './session-cookie.ts'
import { commitUpgrade, isEncrypted, sessionResponse } from './session-response.ts'

/** Options of {@link withSession}: the options of the cookie, `private`, `trustProxy` and `onError`. */
export interface WithSessionOptions<Data extends object = Record<string, unknown>> extends CookieOptions {
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
  /**
   * Returns the response to an error: of the handler, of a failed load, or of a failed commit. The response gets the session's header
   * fields, including the cookie of a sign-in that succeeded before the error. Without `onError` the error reaches the server, whose
   * response has no fields of the session, so that cookie is lost.
   *
   * @param session - Undefined if the session could not be loaded.
   */
  onError?(error: unknown, request: Request, session: Session<Data> | undefined): Response | Promise<Response>
}

const OPTIONS: OptionNames<WithSessionOptions> = { ...COOKIE_OPTIONS, private: true, trustProxy: true, onError: true }

const INSECURE =
  'If your proxy ends TLS and sets X-Forwarded-Proto, pass { trustProxy: true }; for development over plain http pass { secure: false }.'

/**
 * Gives a fetch-style handler a session: for Bun, Deno, Cloudflare Workers, Hono, Remix, and Node behind an adapter.
 *
 * It commits the session before it returns the response. Changes while the body streams are committed when the body ends or is
 * cancelled; an operation that then needs a new cookie throws `response_started`. If the handler throws an error, `onError` returns the
 * response, and the session's changes are still committed. Without `onError` the error is thrown on, and changes that need a new cookie
 * are not written. If the handler throws a `Response`, it is treated as a returned response, and then thrown on.
 *
 * If the handler does not use the session, the response's header fields stay unchanged, and the session is not touched: its idle
 * timeout does not start again.
 *
 * @param handler - Gets the request, its session, and all further arguments of the server. It may return undefined after it upgraded
 *   the connection, as in Bun.
 * @param options - The options of the cookie, `private`, `trustProxy` and `onError`.
 * @returns A handler without the session parameter. It rejects as `sessions.load` and `session.commit` do.
 * @throws {SessError} `invalid_option`.
 */
export function withSession<
  Data extends object,
  Rest extends unknown[],
  Answer extends Response | undefined = Response,
>(
  sessions: Sessions<Data>,
  handler: (request: Request, session: Session<Data>, ...rest: Rest) => Answer | Promise<Answer>,
  options: WithSessionOptions<Data> = {},
): (request: Request, ...rest: Rest) => Promise<Answer> {
  checkOptions(options, 'withSession()', OPTIONS, COOKIE_HINTS)
  const { trustProxy = false, private: isPrivate = false, onError, ...cookieOptions } = options
  for (const [option, value] of Object.entries({ trustProxy, private: isPrivate }))
    if (typeof value !== 'boolean') throw new SessError('invalid_option', `${option} must be true or false`)
  for (const [name, value] of Object.entries({ handler, onError }))
    if (typeof value !== 'function' && !(name === 'onError' && value === undefined))
      throw new SessError(
        'invalid_option',
        `${name} must be a function, as in withSession(sessions, (request, session) => …)`,
      )
  const cookie = sessionCookie(sessions, cookieOptions)
  const encrypted = (request: Request): boolean => isEncrypted(request, trustProxy)
  const answer = (request: Request, session: Session<Data>, response: Response): Response | Promise<Response> =>
    sessionResponse(cookie, session, request, response, { encrypted, advice: INSECURE })
  const handled = async (request: Request, session: Session<Data>, rest: Rest): Promise<Answer> => {
    let response: Answer
    try {
      response = await handler(request, session, ...rest)
    } catch (thrown) {
      throw isResponse(thrown) ? await answer(request, session, thrown) : thrown
    }
    if (response === undefined && request.headers.has('upgrade')) {
      await commitUpgrade(session)
      return response
    }
    if (!isResponse(response))
      throw new TypeError('the handler given to withSession() must return a Response, or undefined after an upgrade')
    return (await answer(request, session, response)) as Answer
  }
  return async (request, ...rest) => {
    let session: Session<Data> | undefined
    try {
      try {
        const header = request.headers.get('cookie')
        session = cookie.beginning(header)?.() ?? (await cookie.load(header))
        const bound = bindingOf(session)
        if (isPrivate) bound.markUsed()
        return await handled(request, session, rest)
      } catch (thrown) {
        if (isResponse(thrown) || !onError) throw thrown
        const response = await onError(thrown, request, session)
        return (session ? await answer(request, session, response) : response) as Answer
      }
    } catch (thrown) {
      if (session && !isResponse(thrown)) await cookie.commitUnseen(session, false)
      throw thrown
    }
  }
}

/** True for a `Response` of any class: servers and polyfills have their own classes, so `instanceof` would not do. */
function isResponse(value: unknown): value is Response {
  return typeof (value as Response | undefined)?.headers?.get === 'function' && 'status' in (value as Response)
}
