import { SessError } from './error.ts'

/** The names of all options of a function. The compiler requires each of them. */
export type OptionNames<Options extends object> = Readonly<Record<keyof Options, true>>

/** Options of other session libraries, and what to do instead. They are refused, so that nobody relies on an option without effect. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  secret: 'cookies are not signed, because their secret is random; leave it out',
  secrets: 'cookies are not signed, because their secret is random; leave it out',
  password: 'cookies hold no data to encrypt; leave it out, or use createSealedSessions() of @sess/sealed',
  ttl: 'set idleTimeout and absoluteTimeout in createSessions()',
  maxAge: 'set idleTimeout and absoluteTimeout in createSessions()',
  expires: 'set idleTimeout and absoluteTimeout in createSessions()',
  expiration: 'set idleTimeout and absoluteTimeout in createSessions()',
  rolling: 'idleTimeout slides by itself; leave it out',
  cookie: 'cookie options are given to the binding, as in session(sessions, { cookie: { … } })',
  cookieName: 'cookie options are given to the binding, as in session(sessions, { cookie: { name } })',
  cookieOptions: 'cookie options are given to the binding, as in session(sessions, { cookie: { … } })',
  name: 'the name of the cookie is given to the binding, as in session(sessions, { cookie: { name } })',
  resave: 'a session without changes is not written; leave it out',
  saveUninitialized: 'a new session is not stored before data is set; leave it out',
  unset: 'call session.logout() or session.destroy(); leave it out',
  genid: 'core makes random IDs; leave it out',
  proxy: "tell the framework about its proxies, as by Express's app.set('trust proxy', 1); leave it out",
  store: 'pass the store to createSessions({ store })',
  disableTouch: 'set touchAfter in createSessions()',
  checkPeriod: 'set sweepEvery in createSessions()',
  cleanupInterval: 'set sweepEvery in createSessions()',
}

/**
 * Refuses an argument that is not an object of options, and an option that the function does not know. Every function of @sess that
 * takes options calls it first.
 *
 * @param of - The name of the function in messages, such as `redisStore()`.
 * @param names - The names of all its options, in the order in which a message lists them.
 * @param hints - For options that people often pass to this function by mistake: the text after `x is no option of redisStore(): `,
 *   which says what to do instead.
 * @throws {SessError} `invalid_option`; the message names the option.
 */
export function checkOptions<Options extends object>(
  options: Options | undefined,
  of: string,
  names: NoInfer<OptionNames<Options>>,
  hints: Readonly<Record<string, string>> = {},
): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid('options', `of ${of} must be an object, and are ${describe(options)}`)
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(names, option)) continue
    const hint = [hints, ELSEWHERE].find((each) => Object.hasOwn(each, option))?.[option]
    const known = Object.keys(names)
    const there = known.length > 1 ? `there are ${known.join(', ')}` : `there is ${known.join()}`
    throw invalid(option, `is no option of ${of}: ${hint ?? there}`)
  }
}

/** The methods that every store has. */
const METHODS = ['read', 'create', 'replace', 'touch', 'delete']

/**
 * Refuses a value that is not a session store.
 *
 * @param option - The name of the value in messages.
 * @throws {SessError} `invalid_option`.
 */
export function checkStore(value: unknown, option: string): void {
  const store = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  if (typeof store['traits'] === 'object' && METHODS.every((name) => typeof store[name] === 'function')) return
  const isHosts = typeof store['get'] === 'function' && typeof store['destroy'] === 'function'
  throw invalid(
    option,
    `must be a session store, as from memoryStore() or redisStore(client), and is ${isHosts ? 'a store of express-session' : describe(value)}`,
  )
}

/**
 * Refuses a value of a wrong type. `undefined` passes.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
 */
export function checkType(value: unknown, option: string, type: 'boolean' | 'function' | 'string'): void {
  if (value === undefined || typeof value === type) return
  const what = type === 'boolean' ? 'true or false' : type === 'function' ? 'a function' : 'text'
  throw invalid(option, `must be ${what}, and is ${describe(value)}`)
}

/** Describes the type of a value in words, without its content. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object') return { string: 'text' }[typeof value as string] ?? `a ${typeof value}`
  if (typeof (value as PromiseLike<unknown>).then === 'function') return 'a promise: await it'
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `a ${name}` : 'an object that is none'
}

/** Makes an `invalid_option` error: `${option} ${what}`. */
export function invalid(option: string, what: string): SessError {
  return new SessError('invalid_option', `${option} ${what}`)
}
