import type { Session } from '@sess/core'
import { SessError } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { PresentHeaders, SessionCookie } from './session-cookie.ts'

/** The facts that {@link sessionResponse} cannot read from the `Request`. */
export interface SessionResponseOptions {
  /** Returns true if the browser used https, as far as the server knows. */
  readonly encrypted: (request: Request) => boolean
  /** The end of the warning about a Secure cookie on a request that looks like plain http: it says how to fix that. */
  readonly advice: string
}

/**
 * For bindings of fetch-style frameworks: commits the session, and returns the response to send, with the session's header fields.
 * Changes while the body streams are committed before its last byte, or when the body is cancelled or fails.
 *
 * A response with a status below 200 upgrades the connection: it is returned unchanged, and cannot carry a cookie. A response is also
 * returned unchanged, and synchronously, if the session was not used and the body is not a stream.
 *
 * @throws {SessError} As `SessionCookie.commit`; the promise rejects. The body is cancelled by then. Give the error to the
 *   application's error handler.
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
    // The client disconnected, so a cookie could not arrive.
    await cookie.commitUnseen(session, false, status)
    return response
  }
  const stream = body instanceof ReadableStream ? body : undefined
  try {
    await cookie.commit(session, status)
  } catch (error) {
    // The body will not be read. An error while it is cancelled must not hide the commit's error.
    stream?.cancel(error).catch(() => {})
    throw error
  }
  const present = presentFields(response)
  cookie.headLeft(session, request.method, present)
  const { 'set-cookie': setCookies = [], ...fields } = cookie.headers(session, present)
  // A copy, because the headers of a redirect or of a fetched response are immutable, and other responses may be shared.
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
 * For bindings: commits the session for an upgrade of the connection, whose response cannot carry a cookie.
 *
 * @throws {SessError} `response_started` if the session needs a new cookie; as `session.commit`.
 */
export async function commitUpgrade<Data extends object>(session: Session<Data>): Promise<void> {
  const bound = bindingOf(session)
  bound.closeCookie()
  await bound.commit()
  if (!bound.cookieChange) return
  throw new SessError(
    'response_started',
    'the response to an upgrade carries no cookie; call login(), logout() or regenerate() in a separate request',
  )
}

/**
 * Returns the body as a stream that commits the session before it closes. If the commit fails, the stream fails, so that the client
 * does not take the body for complete.
 */
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
    // The default, 1, would read a chunk of the body before the consumer reads.
    { highWaterMark: 0 },
  )
}

/**
 * For bindings of fetch-style frameworks: returns true if the browser sent the request over https.
 *
 * @param trustProxy - Trusts the field X-Forwarded-Proto. Pass true only if the application's own proxy sets it.
 */
export function isEncrypted(request: Request, trustProxy: boolean): boolean {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim() : undefined
  return (forwarded ?? new URL(request.url).protocol).replace(':', '').toLowerCase() === 'https'
}

type Body = ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> | null

/**
 * Returns the body of a response: its text or bytes if the response's class keeps them readable, else a stream.
 *
 * The package `@hono/node-server` replaces Node's Response class with a class that keeps the arguments of its constructor and sends
 * them directly. Reading `body` turns such a response into Node's Response with a stream, which takes five times as long to send.
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

/** Returns the symbol under which this response keeps its status, body and headers; undefined if there is none. */
function keyOfBody(probe: Response): symbol | undefined {
  return Object.getOwnPropertySymbols(probe).find((key) => (probe as Keeping)[key]?.[1] === PROBE)
}
