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
  /** Options of a sign-in, as `session.login` takes them: how long it lasts, what a list of devices shows. Default: none. */
  login?(request: FastifyRequest, user: unknown): LoginOptions | undefined
}

/** What is used of @fastify/passport: its default export, or a `new Authenticator()`. */
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
 * A plugin that signs users in and out on @sess sessions, with @fastify/passport and Passport's strategies. It takes the place of
 * `passport.initialize()` and `passport.secureSession()`; register it behind `session(sessions)`, and call it before
 * `passport.authenticate()` is.
 *
 * It restores the user of the session in `preValidation`, and decorates the request with `passport`, `logIn`, `logOut`, `isAuthenticated`,
 * `isUnauthenticated`, `flash` and the user, the reply with `flash`. What the serializer gives is the session's subject.
 *
 * @throws {SessError} `invalid_option`, naming the option. As an error of the request: `invalid_option` without a session, and where
 *   the serializer names no user; else what the store and your functions throw.
 */
export function passportSession(passport: FastifyPassport, options: PassportSessionOptions = {}): FastifyPluginAsync {
  checkSignInOptions(options, { subject: true, login: true })
  setUp(passport)
  const signIns = new SignIns(options)

  /** Made when it is first asked for, which may be before this plugin's hook. */
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
      'request.session is no session of @sess: register session(sessions) of @sess/fastify before passportSession(passport)',
      error,
    )
  }
}

/** @fastify/passport's word for a function that is missing, or that passed: as an error that says which. */
function rethrowNamed(error: unknown): never {
  const [, which] = /^Failed to (serialize|deserialize) user/.exec((error as Error | undefined)?.message ?? '') ?? []
  if (which === undefined) throw error
  const register = which === 'serialize' ? 'registerUserSerializer' : 'registerUserDeserializer'
  throw invalid(
    `no ${which}r took the user: call passport.${register}(), and let one of its functions give a value that is not empty`,
    error,
  )
}

const DONE = new WeakSet<object>()

/** Lets an instance, once, find users by the request's session, and show strategies the session as they expect it. */
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

/** For `authenticate('session')`. */
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
