import type { IncomingMessage } from 'node:http'
import type { LoginOptions, Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { forStrategies } from './for-strategies.ts'
import { RequestLogin, type LogInOptions, type LogOutOptions } from './request-login.ts'
import { checkSignInOptions, invalid, SignIns, type SignInOptions } from './sign-in.ts'

/** What is used of Passport: the default export of `passport`, or a `new passport.Passport()`. */
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
   * Options of a sign-in, as `session.login` takes them: how long it lasts, what a list of devices shows. Default: none.
   *
   * @param request - Express's: annotate it as such.
   */
  login?(request: object, user: unknown): LoginOptions | undefined
  /** Where the user is on the request. Default: `'user'`. */
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
      /** Takes the messages under a name. */
      flash(name: string): unknown[]
      /**
       * Leaves a message that is read once; or all of a list; or, with further values, a text as `util.format` makes it.
       *
       * @returns How many were left.
       */
      flash(name: string, message: unknown, ...values: unknown[]): number
    }
  }
}

type Done = (error?: unknown) => void
type Middleware = (req: object, res: object, next: (error?: unknown) => void) => void

/** Passport, as it is called here. */
interface Passport {
  use(strategy: object): void
  serializeUser(user: unknown, req: object, done: (error: unknown, serialized?: unknown) => void): void
  deserializeUser(serialized: unknown, req: object, done: (error: unknown, user?: unknown) => void): void
  authenticate: (...values: unknown[]) => Middleware
  authorize: (...values: unknown[]) => Middleware
}

/**
 * Middleware that signs users in and out on @sess sessions, with Passport and its strategies. It takes the place of `passport.initialize()` and
 * `passport.session()`; put it behind `session(sessions)`, and call it before `passport.authenticate()` is.
 *
 * It restores the user of the session as `req.user`, and gives the request `logIn`, `logOut`, `isAuthenticated`, `isUnauthenticated` and
 * `flash`. What `serializeUser` gives is the session's subject. Of Passport, only what is public is used.
 *
 * @throws {SessError} `invalid_option`, naming the option. As an error of the request: `invalid_option` without a session, and where
 *   `serializeUser` names no user; else what the store and your functions throw.
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
    // A body that flows already waits for who listens behind the restored user.
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

/** As properties of the request itself, so that neither Passport nor an older Passport that a strategy brings along has its own. */
const METHODS = { login: logIn, logIn, logout: logOut, logOut, isAuthenticated, isUnauthenticated, flash }

function optionsAndDone<Options extends object>(
  rest: readonly (Options | Done | undefined)[],
): [Options, Done | undefined] {
  const done = rest.find((each) => typeof each === 'function')
  const options = rest.find((each) => typeof each === 'object' && each !== null) ?? {}
  return [options as Options, done]
}

/** Calls back, or gives the promise to who did not ask for a call. */
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
      'req.session is no session of @sess: use session(sessions) of @sess/express in front of passportSession(passport)',
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

/** Passport's word for a function that is missing, or that passed: as an error that says which. */
function named(error: unknown): unknown {
  const [, which] = /^Failed to (serialize|deserialize) user/.exec((error as Error | undefined)?.message ?? '') ?? []
  if (which === undefined) return error
  return invalid(
    `no ${which}r took the user: call passport.${which}User(), and let one of its functions give a value that is not empty`,
    error,
  )
}

const DONE = new WeakSet<object>()

/** Lets an instance of Passport, once, find users by the request's session, and show strategies the session as they expect it. */
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

/** For `passport.session()`, which does nothing more here, and for `authenticate('session')`. */
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
