import type { Session } from '@sess/core'
import { SessError } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { SessionCookie } from './session-cookie.ts'

/** What is known of the request beside its `Request`. */
export interface SessionResponseOptions {
  /** The browser asked over https, as far as the server knows. */
  readonly encrypted: boolean
  /** What to do where a Secure cookie is set on a request that looks like plain http. */
  readonly advice: string
}

/**
 * For bindings of fetch-style frameworks: commits, and makes the response that is to be returned, with the header fields of
 * the session. What changes while its body streams is committed before the last byte, or when the body is cancelled or
 * fails.
 *
 * A response with a status below 200 is an upgrade of the connection: it is returned as it is, and can carry no cookie.
 *
 * @throws {SessError} As `SessionCookie.commit`: the body has been let go, and the error goes to whoever answers errors.
 */
export async function sessionResponse<Data extends object>(
  cookie: SessionCookie<Data>,
  session: Session<Data>,
  request: Request,
  response: Response,
  { encrypted, advice }: SessionResponseOptions,
): Promise<Response> {
  const bound = bindingOf(session)
  const { status, statusText, body } = response
  if (status < 200) {
    await commitUpgrade(session)
    return response
  }
  if (request.signal.aborted) {
    // Nobody is left to take a cookie.
    await cookie.commitUnseen(session, false, status)
    return response
  }
  try {
    await cookie.commit(session, status)
  } catch (error) {
    // It is not going to be read. An error of its own, while it is let go, must not hide this one.
    body?.cancel(error).catch(() => {})
    throw error
  }
  const present = { vary: response.headers.get('vary'), 'cache-control': response.headers.get('cache-control') }
  cookie.headLeft(session, request.method, present)
  const { 'set-cookie': setCookies = [], ...fields } = cookie.headers(session, present)
  if (!bound.used && !body) return response
  // Made anew: the headers of a redirect or of a fetched response cannot be changed.
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(fields)) headers.set(name, value)
  for (const field of setCookies) headers.append('set-cookie', field)
  if (setCookies.length && cookie.attributes.secure && !encrypted)
    cookie.reportInsecure(new URL(request.url).host, advice)
  return new Response(body && committedAtEnd(body, session, cookie, status), { status, statusText, headers })
}

/**
 * For bindings: commits for an upgrade of the connection, whose response can carry no cookie.
 *
 * @throws {SessError} `response_started` where one is needed; as `session.commit`.
 */
export async function commitUpgrade<Data extends object>(session: Session<Data>): Promise<void> {
  const bound = bindingOf(session)
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
  status: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch(async (error: unknown) => {
          await cookie.commitUnseen(session, true, status)
          throw error
        })
        if (!done) return controller.enqueue(value)
        await cookie.commitAtEnd(session, status)
        controller.close()
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason)
        } finally {
          await cookie.commitUnseen(session, false, status)
        }
      },
    },
    // Nothing is read before somebody asks, as it would be without.
    { highWaterMark: 0 },
  )
}

/**
 * For bindings of fetch-style frameworks: whether a request came over https.
 *
 * @param trustProxy - X-Forwarded-Proto is set by a proxy of the application's own, and says so.
 */
export function isEncrypted(request: Request, trustProxy: boolean): boolean {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim() : undefined
  return (forwarded ?? new URL(request.url).protocol).replace(':', '').toLowerCase() === 'https'
}
