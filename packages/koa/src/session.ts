import { Readable } from 'node:stream'
import { SessError, type Session, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, sessionCookie, type CookieOptions, type SessionCookie } from '@sess/http'
import { committedBehind, onHead } from '@sess/http/node'
import type { Context, Middleware, Next } from 'koa'

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
  return async (ctx, next) => {
    if (Reflect.has(ctx, 'session'))
      throw new SessError(
        'invalid_option',
        'ctx.session is there already: use session() once for a request, and no other session middleware',
      )
    const loaded = await cookie.load(ctx.get('cookie'))
    Object.defineProperty(ctx, 'session', {
      get: () => loaded,
      set() {
        throw new TypeError('ctx.session cannot be replaced; assign ctx.session.data, or call ctx.session.logout()')
      },
    })
    if (options.private) bindingOf(loaded).markUsed()
    await new Visit(ctx, cookie, loaded).pass(next)
  }
}

/** A session during one request. */
class Visit<Data extends object> {
  readonly #ctx: Context
  readonly #cookie: SessionCookie<Data>
  readonly #session: Session<Data>

  constructor(ctx: Context, cookie: SessionCookie<Data>, loaded: Session<Data>) {
    this.#ctx = ctx
    this.#cookie = cookie
    this.#session = loaded
  }

  async pass(next: Next): Promise<void> {
    const { res } = this.#ctx
    this.#addFields()
    // Whatever happens after the last byte, or when the client has gone, is written all the same.
    res.on('close', () => void this.#cookie.commitUnseen(this.#session, res.writableFinished, res.statusCode))
    try {
      await next()
    } catch (error) {
      // What answers it stands in front, and its answer claims no success.
      await this.#cookie.commit(this.#session, 500)
      throw error
    }
    // What was changed after the connection had closed is not written by its `close` any more.
    if (!this.#ctx.writable) return this.#cookie.commitUnseen(this.#session, false, this.#ctx.status)
    try {
      await this.#cookie.commit(this.#session, this.#ctx.status)
    } catch (error) {
      this.#dropBody()
      throw error
    }
    this.#holdEnd()
  }

  /** Koa's answer to an error removes all fields, and middleware in front may set some anew: the session's come last of all. */
  #addFields(): void {
    const { res, req } = this.#ctx
    onHead(res, (present) => {
      this.#cookie.headLeft(this.#session, req.method ?? '', present)
      const fields = this.#cookie.headers(this.#session, present)
      if (fields['set-cookie'] !== undefined && this.#cookie.attributes.secure && !this.#ctx.secure)
        this.#cookie.reportInsecure(this.#ctx.host, INSECURE)
      return fields
    })
  }

  #dropBody(): void {
    const { body } = this.#ctx
    if (body instanceof Readable) body.on('error', () => {}).destroy()
    for (const name of fieldsOfBody) this.#ctx.remove(name)
    // Where the type is JSON, Koa would take no body for the text `null`.
    this.#ctx.body = undefined
    // For middleware in front that answers without a status of its own.
    this.#ctx.status = 500
  }

  /** Puts a commit behind the last byte of a body that streams. */
  #holdEnd(): void {
    const { response } = this.#ctx
    const source = streamOf(response.body)
    if (!source) return
    const { status } = response
    const length = response.get('Content-Length')
    response.body = committedBehind(source, () => this.#cookie.commitAtEnd(this.#session, status))
    if (length) response.set('Content-Length', length)
  }
}

function streamOf(body: unknown): Readable | undefined {
  if (body instanceof Blob) return Readable.from(body.stream())
  if (body instanceof ReadableStream) return Readable.from(body)
  if (body instanceof Response) return Readable.from(body.body ?? '')
  return typeof (body as Readable | null)?.pipe === 'function' ? (body as Readable) : undefined
}
