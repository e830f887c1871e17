import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, checkOptions, type OptionNames } from '@sess/core/binding'
import { COOKIE_HINTS, COOKIE_OPTIONS, type CookieOptions } from './cookie-options.ts'
import { sessionCookie } from './session-cookie.ts'
import { commitUpgrade, isEncrypted, sessionResponse } from './session-response.ts'

/** Options of {@link withSession}: those of the cookie, and three more. */
export interface WithSessionOptions<Data extends object = Record<string, unknown>> extends CookieOptions {
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
  /**
   * Answers an error: of the handler, of a load or a commit that failed. Its response carries the session's header fields, the
   * cookie of a sign-in that stood before the error among them. Without it an error goes through to the server,
   * whose answer knows no session, so that this cookie is lost.
   *
   * @param session - None where it could not be loaded.
   */
  onError?(error: unknown, request: Request, session: Session<Data> | undefined): Response | Promise<Response>
}

const OPTIONS: OptionNames<WithSessionOptions> = { ...COOKIE_OPTIONS, private: true, trustProxy: true, onError: true }

const INSECURE =
  'If a proxy of yours ends TLS and sets X-Forwarded-Proto, pass { trustProxy: true }; for development over plain http pass { secure: false }.'

/**
 * Gives a fetch-style handler a session: for Bun, Deno, Cloudflare Workers, Hono, Remix, and Node behind an adapter.
 *
 * The session is committed before the response is returned. What changes while the body streams is committed when it ends
 * or is cancelled; what would then need a cookie throws `response_started`. When the handler throws, `onError` answers, and what
 * the session has changed is committed all the same; without `onError` the error goes through, and what would need a cookie
 * is not written. A `Response` that the handler throws is an answer like one that it returns, and is thrown on.
 *
 * A response whose session the handler did not use keeps its header fields, and the session's idle clock stands still.
 *
 * @param handler - Gets the request, its session, and whatever else the server passes. It may return nothing where that is
 *   how the handler says that the connection was upgraded, as in Bun.
 * @param options - Of the cookie, `private`, `trustProxy` and `onError`.
 * @returns A handler without the session parameter.
 * @throws {SessError} `invalid_option`. The handler rejects as `sessions.load` and `session.commit` do.
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
      throw new TypeError('the handler given to withSession() must return a Response, or nothing after an upgrade')
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

/** Not `instanceof`: servers and polyfills bring classes of their own. */
function isResponse(value: unknown): value is Response {
  return typeof (value as Response | undefined)?.headers?.get === 'function' && 'status' in (value as Response)
}
