import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf, type SessionBinding } from '@sess/core/binding'
import type { CookieOptions } from './cookie-options.ts'
import { sessionCookie, type SessionCookie } from './session-cookie.ts'

/** Options of {@link withSession}: those of the cookie, and two more. */
export interface WithSessionOptions extends CookieOptions {
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
  'If a proxy of yours ends TLS and sets X-Forwarded-Proto, pass { trustProxy: true }; for development over plain http pass { secure: false }.'

/**
 * Gives a fetch-style handler a session: for Bun, Deno, Cloudflare Workers, Hono, Remix, and Node behind an adapter.
 *
 * The session is committed before the response is returned. What changes while the body streams is committed when it ends
 * or is cancelled; what would then need a cookie throws `response_started`. When the handler throws, the error goes through
 * and nothing is committed; a `Response` that it throws is an answer like one that it returns, and is thrown on.
 *
 * A response whose session the handler did not use keeps its header fields, and the session's idle clock stands still.
 *
 * @param handler - Gets the request, its session, and whatever else the server passes. It may return nothing where that is
 *   how the server is told that the connection was upgraded, as in Bun.
 * @param options - Of the cookie, `private` and `trustProxy`.
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
  options: WithSessionOptions = {},
): (request: Request, ...rest: Rest) => Promise<Answer> {
  const { trustProxy = false, private: isPrivate = false, ...cookieOptions } = options
  const cookie = sessionCookie(sessions, cookieOptions)
  const answer = async (request: Request, session: Session<Data>, response: Response): Promise<Response> => {
    const bound = bindingOf(session)
    if (response.status < 200) {
      await upgraded(bound)
      return response
    }
    if (!bound.used) return leftAlone(request, session, response, cookie)
    try {
      await bound.commit()
    } catch (error) {
      // It is not going to be read. An error of its own, while it is let go, must not hide this one.
      response.body?.cancel(error).catch(() => {})
      throw error
    }
    // Made anew: the headers of a redirect or of a fetched response cannot be changed.
    const headers = new Headers(response.headers)
    const { 'set-cookie': setCookie, ...fields } = cookie.headers(session, {
      vary: headers.get('vary'),
      'cache-control': headers.get('cache-control'),
    })
    bound.closeCookie()
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    if (setCookie !== undefined) {
      headers.append('set-cookie', setCookie)
      if (cookie.attributes.secure && !isEncrypted(request, trustProxy))
        cookie.reportInsecure(new URL(request.url).host, INSECURE)
    }
    const { status, statusText, body } = response
    return new Response(body && committedAtEnd(body, session, cookie), { status, statusText, headers })
  }
  return async (request, ...rest) => {
    const session = await cookie.load(request.headers.get('cookie'))
    if (isPrivate) bindingOf(session).markUsed()
    let response: Response | undefined
    try {
      response = await handler(request, session, ...rest)
    } catch (thrown) {
      throw isResponse(thrown) ? await answer(request, session, thrown) : thrown
    }
    if (response === undefined && request.headers.has('upgrade')) {
      await upgraded(bindingOf(session))
      return response as Answer
    }
    if (!isResponse(response))
      throw new TypeError('the handler given to withSession() must return a Response, or nothing after an upgrade')
    return (await answer(request, session, response)) as Answer
  }
}

/** A response whose session was not used. While its body streams the session still may be. */
function leftAlone<Data extends object>(
  request: Request,
  session: Session<Data>,
  response: Response,
  cookie: SessionCookie<Data>,
): Response {
  const { status, statusText, headers, body } = response
  cookie.headLeft(session, request.method, {
    vary: headers.get('vary'),
    'cache-control': headers.get('cache-control'),
  })
  return body ? new Response(committedAtEnd(body, session, cookie), { status, statusText, headers }) : response
}

/** An upgrade of the connection: its response has to stay the object that the server made, and can carry no cookie. */
async function upgraded(bound: SessionBinding): Promise<void> {
  bound.closeCookie()
  await bound.commit()
  if (!bound.cookieChange) return
  throw new SessError(
    'response_started',
    'an upgrade of the connection carries no cookie; call login(), logout() or regenerate() in a request of their own',
  )
}

/** The body, with a commit behind its last byte: an error there cuts the response short, so that it is not taken for whole. */
function committedAtEnd<Data extends object>(
  body: ReadableStream<Uint8Array>,
  session: Session<Data>,
  cookie: SessionCookie<Data>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        await bindingOf(session).commit()
        controller.close()
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason)
        } finally {
          await cookie.commitUnseen(session, false)
        }
      },
    },
    // Nothing is read before somebody asks, as it would be without.
    { highWaterMark: 0 },
  )
}

function isEncrypted(request: Request, trustProxy: boolean): boolean {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim() : undefined
  return (forwarded ?? new URL(request.url).protocol).replace(':', '').toLowerCase() === 'https'
}

/** Not `instanceof`: servers and polyfills bring classes of their own. */
function isResponse(value: unknown): value is Response {
  return typeof (value as Response | undefined)?.headers?.get === 'function' && 'status' in (value as Response)
}
