import { Readable } from 'node:stream'
import type { Session, Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, sessionCookie, type CookieOptions } from '@sess/http'
import { committedBehind, onHead } from '@sess/http/node'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'

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
  'If a proxy ends TLS, pass { trustProxy: true } to fastify(), so that it knows; for development over plain http pass { cookie: { secure: false } }.'

const LOADED: unique symbol = Symbol('@sess/fastify session')

type Request = FastifyRequest & { [LOADED]?: Session<object> | undefined }

/**
 * A plugin that gives each request of the instance that registers it, and of those below, its session as `request.session`.
 *
 * The session is loaded in `onRequest` (without a cookie: no I/O), and committed in `onSend`, before the first byte leaves. What
 * changes while a body streams is committed before its end; what would then need a cookie throws `response_started`. If a
 * commit fails, the answer is dropped with the fields of its body, and the error goes to the error handler. A response whose
 * session was not used (no property read, no method called) is left as it is, and the session's idle clock stands still.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function session<Data extends object>(
  sessions: Sessions<Data>,
  options: SessionOptions = {},
): FastifyPluginAsync {
  const cookie = sessionCookie(sessions, options.cookie)

  async function load(request: Request, reply: FastifyReply): Promise<void> {
    const loaded = await cookie.load(request.headers.cookie)
    request[LOADED] = loaded
    if (options.private) bindingOf(loaded).markUsed()
    const { raw } = reply
    onHead(raw, (present) => {
      cookie.headLeft(loaded, request.method, present)
      const fields = cookie.headers(loaded, present)
      if (fields['set-cookie'] !== undefined && cookie.attributes.secure && request.protocol !== 'https')
        cookie.reportInsecure(request.host, INSECURE)
      return fields
    })
    // Whatever happens after the last byte, or when the client has gone, is written all the same.
    raw.on('close', () => void cookie.commitUnseen(loaded, raw.writableFinished, raw.statusCode))
  }

  async function commit(request: Request, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const loaded = request[LOADED] as Session<Data> | undefined
    if (!loaded) return payload
    const status = payload instanceof Response ? payload.status : reply.statusCode
    if (reply.raw.destroyed) {
      // What was changed after the connection had closed is not written by its `close` any more.
      await cookie.commitUnseen(loaded, false, status)
      return payload
    }
    const source = streamOf(payload)
    try {
      await cookie.commit(loaded, status)
    } catch (error) {
      source?.on('error', () => {}).destroy()
      for (const name of fieldsOfBody) reply.removeHeader(name)
      throw error
    }
    if (!source) return payload
    if (payload instanceof Response) {
      reply.code(status)
      for (const [name, value] of payload.headers) reply.header(name, value)
    }
    return committedBehind(source, () => cookie.commitAtEnd(loaded, status))
  }

  return plugin(
    async (app: FastifyInstance) => {
      app.decorateRequest(LOADED)
      app.decorateRequest('session', {
        getter(this: Request) {
          return this[LOADED] as never
        },
        setter() {
          throw new TypeError(
            'request.session cannot be replaced; assign request.session.data, or call request.session.logout()',
          )
        },
      })
      app.addHook('onRequest', load)
      app.addHook('onSend', commit)
    },
    { name: '@sess/fastify', fastify: '5.x' },
  )
}

function streamOf(payload: unknown): Readable | undefined {
  if (payload instanceof Response) return payload.body ? Readable.fromWeb(payload.body as never) : undefined
  if (typeof (payload as ReadableStream | null)?.getReader === 'function') return Readable.fromWeb(payload as never)
  return typeof (payload as Readable | null)?.pipe === 'function' ? (payload as Readable) : undefined
}
