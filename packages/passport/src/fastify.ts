/**
 * Passport on @sess sessions, for Fastify with @fastify/passport.
 *
 * @module
 */
import type { LoginOptions, Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { forStrategies } from './for-strategies.ts'
import { RequestLogin, type LogInOptions, type LogOutOptions } from './request-login.ts'
import { checkSignInOptions, invalid, SignIns, type SignInOptions } from './sign-in.ts'

export { stateStore, type StateMeta, type StateRequest, type StateStore } from './state-store.ts'
export type { SignInOptions } from './sign-in.ts'

/** Options of {@link passportSession}. */
export interface PassportSessionOptions extends SignInOptions {
  /** Returns options of `session.login` for a sign-in, such as its timeouts and the label in a list of devices. Default: none. */
  login?(request: FastifyRequest, user: unknown): LoginOptions | undefined
}

/** The members of @fastify/passport that are used: of its default export, or of a `new Authenticator()`. */
export interface FastifyPassport {
  readonly userProperty: string
  use(...values: never[]): unknown
  registerUserSerializer(...values: never[]): unknown
  serializeUser(user: unknown, request: FastifyRequest): Promise<unknown>
  deserializeUser(serialized: unknown, request: FastifyRequest): Promise<unknown>
  authenticate(...values: never[]): unknown
  authorize(...values: never[]): unknown
}

const STATE: unique symbol = Symbol('@sess/passport state')

interface State {
  readonly current: RequestLogin
  readonly view: FastifyRequest
}

const MADE: unique symbol = Symbol('@sess/passport state, once made')

type Request = FastifyRequest & { readonly [STATE]?: State; [MADE]?: State | undefined }
type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/**
 * Makes a plugin that signs users in and out on @sess sessions, with @fastify/passport and Passport's strategies. It replaces
 * `passport.initialize()` and `passport.secureSession()`. Register it after `session(sessions)`, and call `passportSession` before
 * `passport.authenticate()`.
 *
 * It restores the user of the session in `preValidation`. It decorates the request with `passport`, `logIn`, `logOut`, `isAuthenticated`,
 * `isUnauthenticated`, `flash` and the user, and the reply with `flash`. The result of the serializer becomes the session's subject.
 *
 * @throws {SessError} `invalid_option`; the message names the option. In a request: `invalid_option` if there is no session, or if the
 *   serializer names no user; also the errors of the store and of your functions.
 */
export function passportSession(passport: FastifyPassport, options: PassportSessionOptions = {}): FastifyPluginAsync {
  checkSignInOptions(options, { subject: true, login: true })
  setUp(passport)
  const signIns = new SignIns(options)

  /** Makes the state at the first access, which may come before this plugin's hook. */
  function stateOf(request: Request): State {
    return (request[MADE] ??= newState(request))
  }

  function newState(request: Request): State {
    const session = sessionOf(request)
    const current = new RequestLogin(session, signIns, {
      serialize: (user) => passport.serializeUser(user, request).catch(rethrowNamed),
      deserialize: (serialized) => passport.deserializeUser(serialized, request).catch(rethrowNamed),
    })
    const view = forStrategies(request, session, {
      get: (key: string) => session.data[key],
      set: (key: string, value: unknown) => void (session.data[key] = value),
    })
    return { current, view }
  }

  return plugin(
    async (app: FastifyInstance) => {
      app.decorateRequest(MADE)
      app.decorateRequest(STATE, {
        getter(this: Request) {
          return stateOf(this)
        },
      })
      app.decorateRequest('passport', { getter: () => passport as never })
      app.decorateRequest(passport.userProperty, {
        getter(this: Request) {
          return stateOf(this).current.user as never
        },
        setter(this: Request, user: unknown) {
          stateOf(this).current.user = user
        },
      })
      const logIn = function (this: Request, user: unknown, options: LogInOptions = {}): Promise<void> {
        return stateOf(this).current.logIn(user, options, (user) => login?.(this, user))
      }
      const logOut = function (this: Request, options: LogOutOptions = {}): Promise<void> {
        return stateOf(this).current.logOut(options)
      }
      const { login } = options
      for (const name of ['logIn', 'login'] as const) app.decorateRequest(name, logIn)
      for (const name of ['logOut', 'logout'] as const) app.decorateRequest(name, logOut)
      app.decorateRequest('isAuthenticated', function (this: Request) {
        return Boolean(stateOf(this).current.user)
      })
      app.decorateRequest('isUnauthenticated', function (this: Request) {
        return !stateOf(this).current.user
      })
      app.decorateRequest('flash', function (this: Request, name: unknown, ...messages: unknown[]) {
        return stateOf(this).current.flash(name, messages)
      })
      app.decorateReply('flash', function (this: FastifyReply, name?: unknown) {
        return stateOf(this.request).current.flashed(name)
      })
      app.addHook('preValidation', (request) => stateOf(request).current.restore())
    },
    { name: '@sess/passport', fastify: '5.x', decorators: { request: ['session'] } },
  )
}

function sessionOf(request: FastifyRequest): Session {
  const { session } = request as FastifyRequest & { readonly session?: Session }
  try {
    bindingOf(session!)
    return session!
  } catch (error) {
    throw invalid(
      'request.session is not a session of @sess: register session(sessions) of @sess/fastify before passportSession(passport)',
      error,
    )
  }
}

/** Turns @fastify/passport's error for a missing serializer or deserializer into an error that names it. */
function rethrowNamed(error: unknown): never {
  const [, which] = /^Failed to (serialize|deserialize) user/.exec((error as Error | undefined)?.message ?? '') ?? []
  if (which === undefined) throw error
  const register = which === 'serialize' ? 'registerUserSerializer' : 'registerUserDeserializer'
  throw invalid(
    `no ${which}r gave a value for the user: call passport.${register}() with a function that gives a value`,
    error,
  )
}

const DONE = new WeakSet<object>()

/** Prepares an instance once: it finds users by the request's session, and strategies see the session as they expect it. */
function setUp(passport: FastifyPassport): void {
  if (typeof passport?.registerUserSerializer !== 'function')
    throw invalid("passport must be what import passport from '@fastify/passport' gives, or a new Authenticator()")
  if (DONE.has(passport)) return
  DONE.add(passport)
  passport.use(SESSION_STRATEGY as never)
  for (const name of ['authenticate', 'authorize'] as const) {
    const original = passport[name].bind(passport) as unknown as (...values: unknown[]) => Handler
    const shown = (...values: unknown[]): Handler => {
      const handler = original(...values)
      return (request, reply) => handler((request as Request)[STATE]?.view ?? request, reply)
    }
    passport[name] = shown
  }
}

interface Strategy {
  pass(): void
  error(error: unknown): void
}

/** The strategy for `authenticate('session')`. */
const SESSION_STRATEGY = {
  name: 'session',
  authenticate(this: Strategy, request: Request): void {
    const state = request[STATE]
    if (!state) return this.error(invalid('register passportSession(passport) of @sess/passport/fastify'))
    state.current.restore().then(
      () => this.pass(),
      (error: unknown) => this.error(error),
    )
  },
}
