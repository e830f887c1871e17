import {
  SessError,
  type BaseOptions,
  type DataSchema,
  type Outcome,
  type SerializerOption,
  type Session,
  type Sessions,
} from '@sess/core'
import { checkOptions, type OptionNames } from '@sess/core/adapter'
import { Context, LiveSessions, settingsOf, unpack, viewOf, type AnyOptions } from '@sess/core/internal'
import { CookieCarrier } from './cookie-carrier.ts'
import { LONGEST, openCookie } from './cookie-codec.ts'
import { KeyRing, type KeyRingOptions } from './key-ring.ts'
import { LiveSealedSession, SealedContext, unsupported } from './sealed-session.ts'

/** The options of `createSessions` that concern a store. */
type OfStores = 'store' | 'seal' | 'maxPerSubject' | 'pepper' | 'onConflict' | 'storeTimeout' | 'sweepEvery'

/**
 * Options of {@link createSealedSessions}, without `serializer` and `schema`: those of `createSessions` that do not concern a store, the
 * keys, and `maxLength`.
 */
export interface SealedOptions extends Omit<BaseOptions, OfStores>, KeyRingOptions {
  /**
   * The longest cookie value, in characters; at most 4,094. Browsers accept 4,096 bytes of name and value, and some also count the
   * attributes. Default: 3,968, which leaves 128 bytes for name and attributes.
   */
  readonly maxLength?: number
}

const OPTIONS: OptionNames<SealedOptions & Omit<AnyOptions, OfStores>> = {
  keys: true,
  revokedKeyIds: true,
  maxLength: true,
  idleTimeout: true,
  absoluteTimeout: true,
  anonymous: true,
  touchAfter: true,
  persistent: true,
  serializer: true,
  schema: true,
  schemaVersion: true,
  migrate: true,
  notBefore: true,
  clock: true,
  log: true,
}

const NO_USE = 'it has no effect on sessions in cookies; leave it out'
const HINTS: Readonly<Record<OfStores | 'secret' | 'password', string>> = {
  store: NO_USE,
  seal: NO_USE,
  maxPerSubject: NO_USE,
  pepper: NO_USE,
  onConflict: NO_USE,
  storeTimeout: NO_USE,
  sweepEvery: NO_USE,
  secret: 'pass { keys }, of 32 random bytes each',
  password: 'pass { keys }, of 32 random bytes each',
}

/**
 * Makes sessions that are stored in their cookies, encrypted: there is no store and no round trip. What needs a store throws
 * `unsupported`: `update`, `regenerate` with `keepOldFor`, `listSubject`, `revoke`, `revokeSubject`, `signal` and `count`.
 *
 * A session can only be ended in its own browser, by removing the cookie. A copy of the cookie works until it expires.
 *
 * With a `schema`, `session.data` is the output of the schema for the stored data.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSealedSessions<Output extends object>(
  options: SealedOptions & SerializerOption<Output> & { readonly schema: DataSchema<Output> },
): SealedSessions<Output>
/**
 * Makes sessions that are stored in their cookies, encrypted: there is no store and no round trip. What needs a store throws
 * `unsupported`: `update`, `regenerate` with `keepOldFor`, `listSubject`, `revoke`, `revokeSubject`, `signal` and `count`.
 *
 * A session can only be ended in its own browser, by removing the cookie. A copy of the cookie works until it expires.
 *
 * `Data` is the type of `session.data`, whose keys are all optional: a new session has none.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSealedSessions<Data extends object = Record<string, unknown>>(
  options: SealedOptions & SerializerOption<Data>,
): SealedSessions<Partial<Data>>
export function createSealedSessions(options: SealedOptions & Omit<AnyOptions, 'store'>): SealedSessions<never> {
  if (options === undefined)
    throw new SessError('invalid_option', 'options are needed, as in createSealedSessions({ keys: [key] })')
  checkOptions<SealedOptions & Omit<AnyOptions, OfStores>>(options, 'createSealedSessions()', OPTIONS, HINTS)
  const { keys, revokedKeyIds = [], maxLength = LONGEST - 126, ...rest } = options
  if (!Number.isInteger(maxLength) || maxLength < 1 || maxLength > LONGEST)
    throw new SessError('invalid_option', `maxLength must be a whole number up to ${LONGEST}`)
  const ring = new KeyRing({ keys, revokedKeyIds })
  const carriers = (): CookieCarrier => new CookieCarrier(ring, maxLength)
  const context = new Context(settingsOf({ ...rest, store: carriers() }))
  return new LiveSealedSessions(context, ring, carriers) as Sessions<object> as SealedSessions<never>
}

/**
 * A session that is stored in its cookie: a {@link Session} whose `update` and `keepOldFor` do not compile. With `this: never` the type
 * is still assignable to `Session`, so it works with every binding.
 */
export interface SealedSession<Data extends object = Record<string, unknown>> extends Session<Data> {
  /** Throws `unsupported`, since a cookie has no compare-and-set. Change `data` and call `commit()`. */
  update(this: never): never
  /** Gives the session a new cookie. A copy of the old cookie works until the session expires. */
  regenerate(): Promise<Outcome>
}

/** The result of {@link createSealedSessions}: {@link Sessions} whose methods that need a store do not compile. */
export interface SealedSessions<Data extends object = Record<string, unknown>> extends Sessions<Data> {
  load(cookieValue: string | undefined): Promise<SealedSession<Data>>
  /** Throws `unsupported`: only the browsers have the sessions. */
  listSubject(this: never): never
  /** Throws `unsupported`: only the browser has the session. */
  revoke(this: never): never
  /** Throws `unsupported`: only the browsers have the sessions. */
  revokeSubject(this: never): never
  /** Throws `unsupported`: the server cannot notice that a session has ended. */
  signal(this: never): never
  /** Throws `unsupported`: only the browsers have the sessions. */
  count(this: never): never
}

/** How many cookies of one name are tried. */
const MOST_COOKIES = 4

class LiveSealedSessions extends LiveSessions {
  readonly #shared: Context
  readonly #ring: KeyRing
  readonly #carriers: () => CookieCarrier

  constructor(shared: Context, ring: KeyRing, carriers: () => CookieCarrier) {
    super(shared)
    this.#shared = shared
    this.#ring = ring
    this.#carriers = carriers
  }

  override async load(cookieValue: string | undefined): Promise<Session> {
    return this.loadOneOf(cookieValue ? [cookieValue] : [])
  }

  protected override begin(): Session {
    const { settings, events } = this.#shared
    return viewOf(new LiveSealedSession(new SealedContext(settings, events, this.#carriers()), {}))
  }

  /** Loads the first value that opens. */
  protected override async loadOneOf(values: readonly string[]): Promise<Session> {
    const { settings, events } = this.#shared
    const carrier = this.#carriers()
    const context = new SealedContext(settings, events, carrier)
    if (values.length > 1) events.emit('duplicate_cookies', { count: values.length })
    for (const value of values.slice(0, MOST_COOKIES)) {
      const read = openCookie(this.#ring, value, settings.clock())
      const held = 'key' in read ? unpack(context.settings, read.key, read.record) : undefined
      const over = held && context.isOver(held.envelope, settings.clock())
      if (held && !over) {
        carrier.carry(held.key)
        const opened = { verdict: 'current', digest: held.envelope.digest, held } as const
        return viewOf(new LiveSealedSession(context, await context.fit(held, 'load'), opened))
      }
      events.emit('rejected', { reason: 'rejected' in read ? read.rejected : over ? 'expired' : 'undecodable' })
    }
    return viewOf(new LiveSealedSession(context, await context.blank()))
  }

  override async revoke(): Promise<boolean> {
    throw unsupported('a session in a cookie cannot be revoked, since only the browser has it')
  }

  override signal(): AbortSignal {
    throw unsupported('the server cannot notice that a session in a cookie has ended, so no signal would abort')
  }
}
