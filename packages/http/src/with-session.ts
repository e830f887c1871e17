import type { Session, Sessions } from '@sess/core'
import type { CookieOptions } from './cookie-options.ts'
import { sessionCookie } from './session-cookie.ts'

/**
 * Gives a fetch-style handler a session: for Bun, Deno, Cloudflare Workers, Hono, Remix, and Node behind an adapter.
 *
 * The session is committed before the response is returned. What changes while the body streams is committed when it ends
 * or is cancelled; what would then need a cookie throws `response_started`. When the handler throws, the error goes through
 * and nothing is committed.
 *
 * @param handler - Gets the request, its session, and whatever else the server passes.
 * @param options - Of the cookie.
 * @returns A handler without the session parameter.
 * @throws {SessError} `invalid_option`. The handler rejects as `sessions.load` and `session.commit` do.
 */
export function withSession<Data extends object, Rest extends unknown[]>(
  sessions: Sessions<Data>,
  handler: (request: Request, session: Session<Data>, ...rest: Rest) => Response | Promise<Response>,
  options: CookieOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const cookie = sessionCookie(sessions, options)
  return async (request, ...rest) => {
    const session = await cookie.load(request.headers.get('cookie'))
    const response = await handler(request, session, ...rest)
    await session.commit()
    const { 'set-cookie': setCookie, ...fields } = cookie.headers(session, {
      vary: response.headers.get('vary'),
      'cache-control': response.headers.get('cache-control'),
    })
    session.closeCookie()
    // Made anew: the headers of a redirect or of a fetched response cannot be changed.
    const headers = new Headers(response.headers)
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    if (setCookie !== undefined) {
      headers.append('set-cookie', setCookie)
      const { protocol, host } = new URL(request.url)
      if (cookie.attributes.secure && protocol === 'http:')
        cookie.reportInsecure(
          host,
          'If a proxy ends TLS, let the server build request.url with https; or set cookie secure: false for development.',
        )
    }
    const { status, statusText, body } = response
    return new Response(body && committedAtEnd(body, session), { status, statusText, headers })
  }
}

/** The body, with a commit behind its last byte: an error there cuts the response short, so that it is not taken for whole. */
function committedAtEnd(
  body: ReadableStream<Uint8Array>,
  session: { commit(): Promise<unknown> },
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        await session.commit()
        controller.close()
      },
      async cancel(reason) {
        await Promise.all([reader.cancel(reason), session.commit()])
      },
    },
    { highWaterMark: 0 },
  )
}
