import type { IncomingMessage } from 'node:http'
import type { LoginOptions, Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { forStrategies } from './for-strategies.ts'
import { RequestLogin, type LogInOptions, type LogOutOptions } from './request-login.ts'
import { checkSignInOptions, invalid, SignIns, type SignInOptions } from './sign-in.ts'

/** The members of Passport that are used: of the default export of `passport`, or of a `new passport.Passport()`. */
export interface PassportInstance {
  use(...values: never[]): unknown
  serializeUser(...values: never[]): unknown
  deserializeUser(...values: never[]): unknown
  authenticate(...values: never[]): unknown
  authorize(...values: never[]): unknown
}

/** Options of {@link passportSession}. */
export interface PassportSessionOptions extends SignInOptions {
  /**
   * Returns options of `session.login` for a sign-in, such as its timeouts and the label in a list of devices. Default: none.
   *
   * @param request - The request of Express. Annotate the parameter with Express's type.
   */
  login?(request: object, user: unknown): LoginOptions | undefined
  /** The property of the request that holds the user. Default: `'user'`. */
  readonly userProperty?: string
}

declare global {
  namespace Express {
    interface User {}

    interface Request {
      /** Signs a user in. */
      login(user: User, options?: LogInOptions): Promise<void>
      /** Signs a user in. */
      logIn(user: User, options?: LogInOptions): Promise<void>
      /** Signs out: the session is deleted. */
      logout(options?: LogOutOptions): Promise<void>
      /** Signs out: the session is deleted. */
      logOut(options?: LogOutOptions): Promise<void>
      /** Returns the messages under a name, and removes them. */
      flash(name: string): unknown[]
      /**
       * Leaves a message that is read once. A list leaves one message per item. With further values, the message is the result of
       * `util.format`.
       *
       * @returns How many messages were left.
       */
      flash(name: string, message: unknown, ...values: unknown[]): number
    }
  }
}

type Done = (error?: unknown) => void
type Middleware = (req: object, res: object, next: (error?: unknown) => void) => void

/** The methods of Passport, as this file calls them. */
interface Passport {
  use(strategy: object): void
  serializeUser(user: unknown, req: object, done: (error: unknown, serialized?: unknown) => void): void
  deserializeUser(serialized: unknown, req: object, done: (error: unknown, user?: unknown) => void): void
  authenticate: (...values: unknown[]) => Middleware
  authorize: (...values: unknown[]) => Middleware
}

/**
 * Makes middleware that signs users in and out on @sess sessions, with Passport and its strategies. It replaces `passport.initialize()` and
 * `passport.session()`. Use it after `session(sessions)`, and call `passportSession` before `passport.authenticate()`.
 *
 * It restores the user of the session as `req.user`, and adds `logIn`, `logOut`, `isAuthenticated`, `isUnauthenticated` and `flash` to the
 * request. The result of `serializeUser` becomes the session's subject. It uses only public members of Passport.
 *
 * @throws {SessError} `invalid_option`; the message names the option. In a request: `invalid_option` if there is no session, or if
 *   `serializeUser` names no user; also the errors of the store and of your functions.
 */
export function passportSession(passport: PassportInstance, options: PassportSessionOptions = {}): Middleware {
  checkSignInOptions(options, { subject: true, login: true, userProperty: true })
  const { login, userProperty = 'user' } = options
  if (typeof userProperty !== 'string' || userProperty === '') throw invalid('userProperty must be text')
  const instance = setUp(passport)
  const signIns = new SignIns(options)
  const user = userAccessor()
  return (request, _res, next) => {
    const req = request as IncomingMessage
    let current: RequestLogin
    try {
      current = new RequestLogin(sessionOf(req), signIns, serializersOf(instance, req))
    } catch (error) {
      return next(error)
    }
    const view = forStrategies(req, current.session, {
      save: (done?: Done) => answer(current.session.commit(), done),
    })
    const state: State = { current, view, loginOptions: (user) => login?.(req, user) }
    Object.assign(req, METHODS, { [STATE]: state })
    Object.defineProperty(req, userProperty, user)
    // If the body flows already, pause it until the next middleware can listen to it.
    const flows = req.readableFlowing === true
    if (flows) req.pause()
    current
      .restore()
      .then(() => next(), next)
      .finally(() => flows && req.resume())
  }
}

const STATE: unique symbol = Symbol('@sess/passport')

interface State {
  readonly current: RequestLogin
  readonly view: IncomingMessage
  readonly loginOptions: (user: unknown) => LoginOptions | undefined
}

type PassportRequest = IncomingMessage & { readonly [STATE]: State }

function userAccessor(): PropertyDescriptor & ThisType<PassportRequest> {
  return {
    configurable: true,
    enumerable: true,
    get(this: PassportRequest) {
      return this[STATE].current.user ?? undefined
    },
    set(this: PassportRequest, user: unknown) {
      this[STATE].current.user = user
    },
  }
}

function logIn(
  this: PassportRequest,
  user: unknown,
  ...rest: [LogInOptions?, Done?] | [Done]
): Promise<void> | undefined {
  const { current, loginOptions } = this[STATE]
  const [options, done] = optionsAndDone(rest)
  return answer(current.logIn(user, options, loginOptions), done)
}

function logOut(this: PassportRequest, ...rest: [LogOutOptions?, Done?] | [Done]): Promise<void> | undefined {
  const [options, done] = optionsAndDone(rest)
  return answer(this[STATE].current.logOut(options), done)
}

function isAuthenticated(this: PassportRequest): boolean {
  return Boolean(this[STATE].current.user)
}

function isUnauthenticated(this: PassportRequest): boolean {
  return !this[STATE].current.user
}

function flash(this: PassportRequest, name: unknown, ...messages: unknown[]): unknown {
  const { current } = this[STATE]
  return messages[0] === undefined ? current.flashed(name) : current.flash(name, messages)
}

/** Properties of the request itself, so that neither Passport nor an older Passport of a strategy replaces them. */
const METHODS = { login: logIn, logIn, logout: logOut, logOut, isAuthenticated, isUnauthenticated, flash }

function optionsAndDone<Options extends object>(
  rest: readonly (Options | Done | undefined)[],
): [Options, Done | undefined] {
  const done = rest.find((each) => typeof each === 'function')
  const options = rest.find((each) => typeof each === 'object' && each !== null) ?? {}
  return [options as Options, done]
}

/** Calls the callback, if there is one; otherwise returns the promise. */
function answer<Value>(promise: Promise<Value>, done: Done | undefined): Promise<Value> | undefined {
  if (!done) return promise
  promise.then(() => done(), done)
  return undefined
}

function sessionOf(req: IncomingMessage): Session {
  const { session } = req as { session?: Session }
  try {
    bindingOf(session!)
    return session!
  } catch (error) {
    throw invalid(
      'req.session is not a session of @sess: use session(sessions) of @sess/express before passportSession(passport)',
      error,
    )
  }
}

function serializersOf(passport: Passport, req: IncomingMessage): ConstructorParameters<typeof RequestLogin>[2] {
  return {
    serialize: (user) =>
      new Promise((resolve, reject) => {
        passport.serializeUser(user, req, (error, serialized) => (error ? reject(named(error)) : resolve(serialized)))
      }),
    deserialize: (serialized) =>
      new Promise((resolve, reject) => {
        passport.deserializeUser(serialized, req, (error, user) => (error ? reject(named(error)) : resolve(user)))
      }),
  }
}

/** Turns Passport's error for a missing serializer or deserializer into an error that names it. */
function named(error: unknown): unknown {
  const [, which] = /^Failed to (serialize|deserialize) user/.exec((error as Error | undefined)?.message ?? '') ?? []
  if (which === undefined) return error
  return invalid(
    `no ${which}r gave a value for the user: call passport.${which}User() with a function that gives a value`,
    error,
  )
}

const DONE = new WeakSet<object>()

/** Prepares an instance of Passport once: it finds users by the request's session, and strategies see the session as they expect it. */
function setUp(given: PassportInstance): Passport {
  if (typeof given?.serializeUser !== 'function' || typeof given.authorize !== 'function')
    throw invalid("passport must be what import passport from 'passport' gives, or a new passport.Passport()")
  if ('registerUserSerializer' in given)
    throw invalid("passport is @fastify/passport's: import passportSession from '@sess/passport/fastify'")
  const passport = given as unknown as Passport
  if (DONE.has(passport)) return passport
  DONE.add(passport)
  passport.use(SESSION_STRATEGY)
  for (const name of ['authenticate', 'authorize'] as const) {
    const original = passport[name].bind(passport)
    passport[name] = (...values) => {
      const middleware = original(...values)
      return (req, res, next) => middleware((req as Partial<PassportRequest>)[STATE]?.view ?? req, res, next)
    }
  }
  return passport
}

interface Strategy {
  pass(): void
  error(error: unknown): void
}

/** The strategy for `authenticate('session')`, and for `passport.session()`, which is not needed. */
const SESSION_STRATEGY = {
  name: 'session',
  authenticate(this: Strategy, req: PassportRequest): void {
    if (!(STATE in req))
      return this.error(invalid('use passportSession(passport) of @sess/passport before passport.session()'))
    req[STATE].current.restore().then(
      () => this.pass(),
      (error: unknown) => this.error(error),
    )
  },
}
