import type { Session } from '@sess/core'
import { SessError } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { PresentHeaders, SessionCookie } from './session-cookie.ts'

/** What is known of the request beside its `Request`. */
export interface SessionResponseOptions {
  /** Whether the browser asked over https, as far as the server knows. */
  readonly encrypted: (request: Request) => boolean
  /** What to do where a Secure cookie is set on a request that looks like plain http. */
  readonly advice: string
}

/**
 * For bindings of fetch-style frameworks: commits, and makes the response that is to be returned, with the header fields of
 * the session. What changes while its body streams is committed before the last byte, or when the body is cancelled or
 * fails.
 *
 * A response with a status below 200 is an upgrade of the connection: it is returned as it is, and can carry no cookie. So is one, at
 * once, whose session was not used and whose body does not stream.
 *
 * @throws {SessError} As `SessionCookie.commit`, by a promise: the body has been let go, and the error goes to whoever answers errors.
 */
export function sessionResponse<Data extends object>(
  cookie: SessionCookie<Data>,
  session: Session<Data>,
  request: Request,
  response: Response,
  options: SessionResponseOptions,
): Response | Promise<Response> {
  const body = bodyOf(response)
  const streams = body instanceof ReadableStream
  const bound = bindingOf(session)
  if (streams || bound.used) return committed(cookie, session, request, response, body, options)
  if (response.status < 200) bound.closeCookie()
  else cookie.headLeft(session, request.method, () => presentFields(response))
  return response
}

async function committed<Data extends object>(
  cookie: SessionCookie<Data>,
  session: Session<Data>,
  request: Request,
  response: Response,
  body: Body,
  { encrypted, advice }: SessionResponseOptions,
): Promise<Response> {
  const { status } = response
  if (status < 200) {
    await commitUpgrade(session)
    return response
  }
  if (request.signal.aborted) {
    // Nobody is left to take a cookie.
    await cookie.commitUnseen(session, false, status)
    return response
  }
  const stream = body instanceof ReadableStream ? body : undefined
  try {
    await cookie.commit(session, status)
  } catch (error) {
    // It is not going to be read. An error of its own, while it is let go, must not hide this one.
    stream?.cancel(error).catch(() => {})
    throw error
  }
  const present = presentFields(response)
  cookie.headLeft(session, request.method, present)
  const { 'set-cookie': setCookies = [], ...fields } = cookie.headers(session, present)
  // Made anew: the headers of a redirect or of a fetched response cannot be changed, and others may be shared.
  const made = new Response(stream ? committedAtEnd(stream, session, cookie, status) : body, response)
  for (const [name, value] of Object.entries(fields)) made.headers.set(name, value)
  for (const field of setCookies) made.headers.append('set-cookie', field)
  if (setCookies.length && cookie.attributes.secure && !encrypted(request))
    cookie.reportInsecure(new URL(request.url).host, advice)
  return made
}

function presentFields({ headers }: Response): PresentHeaders {
  return { vary: headers.get('vary'), 'cache-control': headers.get('cache-control') }
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

type Body = ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> | null

/**
 * The body of a response: its text or bytes, where its class tells, or else a stream.
 *
 * The Response that @hono/node-server puts in place of Node's own keeps what it was made of, and is sent at once. Whoever asks it for
 * its body makes it a Response of Node's with a stream, which takes five times as long to send.
 */
function bodyOf(response: Response): Body {
  if (probed !== Response) {
    probed = Response
    keptAt = keyOfBody(new Response(PROBE))
  }
  const kept = keptAt && (response as Keeping)[keptAt]
  const body = kept?.[1]
  return body === null || typeof body === 'string' || body instanceof Uint8Array
    ? (body as Uint8Array<ArrayBuffer>)
    : response.body
}

type Keeping = Response & Readonly<Record<symbol, readonly unknown[] | undefined>>

const PROBE = 'what a response is made of'
let probed: typeof Response | undefined
let keptAt: symbol | undefined

/** Where responses of this class keep their status, body and headers; undefined: nowhere that can be seen. */
function keyOfBody(probe: Response): symbol | undefined {
  return Object.getOwnPropertySymbols(probe).find((key) => (probe as Keeping)[key]?.[1] === PROBE)
}
