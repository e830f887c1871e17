import type { Readable } from 'node:stream'
import type { Session, Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { fieldsOfBody, sessionCookie, type CookieOptions } from '@sess/http'
import { Visit } from '@sess/http/node'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'

/** Options of {@link session}. */
export interface SessionOptions {
  /** The options of the session cookie. Default: `__Host-sid`, HttpOnly, Secure, SameSite=Lax, Path=/. */
  readonly cookie?: CookieOptions
  /**
   * Counts the session of every request as used, so that no shared cache stores any response. Set this option if a handler uses the
   * session for the first time after the response has started. Default: false.
   */
  readonly private?: boolean
}

const INSECURE =
  'If a proxy ends TLS, pass { trustProxy: true } to fastify(), so that Fastify knows; for development over plain http pass { cookie: { secure: false } }.'

const VISIT: unique symbol = Symbol('@sess/fastify visit')

type Request = FastifyRequest & { [VISIT]?: Visit<object> | undefined }

/**
 * Makes a plugin that gives each request its session as `request.session`: each request of the instance that registers the plugin, and
 * of that instance's children.
 *
 * The plugin loads the session in `onRequest` (a request without a cookie costs no I/O), and commits it in `onSend`, before the first
 * byte leaves. Changes while a body streams are committed before the body ends; an operation that then needs a new cookie throws
 * `response_started`. If a commit fails, the body and the header fields that describe it are dropped, and the error goes to the error
 * handler. If the session was not used (no property read, no method called), the response stays unchanged, and the session is not
 * touched: its idle timeout does not start again.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
 */
export function session<Data extends object>(
  sessions: Sessions<Data>,
  options: SessionOptions = {},
): FastifyPluginAsync {
  const cookie = sessionCookie(sessions, options.cookie)

  function admit(request: Request, { raw }: FastifyReply, given: Session<Data> | (() => Session<Data>)): void {
    const visit = new Visit(cookie, raw, given, {
      method: request.method,
      plainHost: () => (request.protocol === 'https' ? undefined : request.host),
      advice: INSECURE,
      cut: (error) =>
        request.log.error(error, 'the response was cut short, because the session could not be committed'),
    })
    request[VISIT] = visit
    if (options.private) bindingOf(visit.session).markUsed()
  }

  // A hook that need not wait calls `done`: a promise would cost each request more than all other work of this plugin.
  function load(request: Request, reply: FastifyReply, done: () => void): Promise<void> | undefined {
    const header = request.headers.cookie
    const beginning = cookie.beginning(header)
    if (!beginning) return cookie.load(header).then((loaded) => admit(request, reply, loaded))
    admit(request, reply, beginning)
    done()
    return undefined
  }

  function beforeAnswer(
    request: Request,
    reply: FastifyReply,
    payload: unknown,
    done: () => void,
  ): Promise<void> | undefined {
    const session = (request[VISIT] as Visit<Data> | undefined)?.taken
    if (session) return commit(session, reply, payload)
    done()
    return undefined
  }

  async function commit(session: Session<Data>, reply: FastifyReply, payload: unknown): Promise<void> {
    const status = payload instanceof Response ? payload.status : reply.statusCode
    if (reply.raw.destroyed) {
      // The response's `close` event is over, so changes since then have to be committed here.
      return cookie.commitUnseen(session, false, status)
    }
    try {
      await cookie.commit(session, status)
    } catch (error) {
      letGo(payload, error)
      for (const name of fieldsOfBody) reply.removeHeader(name)
      throw error
    }
  }

  return plugin(
    async (app: FastifyInstance) => {
      app.decorateRequest(VISIT)
      app.decorateRequest('session', {
        getter(this: Request) {
          return this[VISIT]?.session as never
        },
        setter() {
          throw new TypeError(
            'request.session cannot be replaced; assign request.session.data, or call request.session.logout()',
          )
        },
      })
      app.addHook('onRequest', load)
      app.addHook('onSend', beforeAnswer)
    },
    { name: '@sess/fastify', fastify: '5.x' },
  )
}

/** Closes a body that will not be read. An error while it closes is ignored, so that it does not hide the commit's error. */
function letGo(payload: unknown, error: unknown): void {
  const source = payload instanceof Response ? payload.body : (payload as Readable | ReadableStream | undefined)
  if (source instanceof ReadableStream) source.cancel(error).catch(() => {})
  else if (typeof source?.destroy === 'function') source.on('error', () => {}).destroy()
}
