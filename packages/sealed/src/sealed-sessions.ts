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

/** Options of `createSessions` that say something of a store. */
type OfStores = 'store' | 'seal' | 'maxPerSubject' | 'pepper' | 'onConflict' | 'storeTimeout' | 'sweepEvery'

/** Options of {@link createSealedSessions}, `serializer` and `schema` apart: those of `createSessions` that need no store, and two more. */
export interface SealedOptions extends Omit<BaseOptions, OfStores>, KeyRingOptions {
  /**
   * How long a cookie value may be, in characters; at most 4,094. Browsers take 4,096 bytes of name and value, and some
   * count the attributes, too. Default: 3,968, which leaves 128 for these.
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

const NO_USE = 'it has no use where sessions lie in their cookies'
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
 * Makes sessions that lie in their cookies, encrypted: no store, no round trip. What takes a store throws `unsupported`:
 * `update`, `regenerate` with `keepOldFor`, `listSubject`, `revoke`, `revokeSubject`, `signal` and `count`.
 *
 * A session cannot be ended anywhere but in the browser that has it: a copy of a cookie works until it expires.
 *
 * With a `schema`, `session.data` is what the schema makes of the stored data.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function createSealedSessions<Output extends object>(
  options: SealedOptions & SerializerOption<Output> & { readonly schema: DataSchema<Output> },
): SealedSessions<Output>
/**
 * Makes sessions that lie in their cookies, encrypted: no store, no round trip. What takes a store throws `unsupported`:
 * `update`, `regenerate` with `keepOldFor`, `listSubject`, `revoke`, `revokeSubject`, `signal` and `count`.
 *
 * A session cannot be ended anywhere but in the browser that has it: a copy of a cookie works until it expires.
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
 * A session that lies in its cookie: {@link Session}, whose `update` and `keepOldFor` do not compile. `this: never` keeps it a
 * session to every binding.
 */
export interface SealedSession<Data extends object = Record<string, unknown>> extends Session<Data> {
  /** Throws `unsupported`: there is nothing to compare with in a cookie. Change `data` and call `commit()`. */
  update(this: never): never
  /** Gives the session a new cookie. A copy of the old one opens until the session expires. */
  regenerate(): Promise<Outcome>
}

/** What {@link createSealedSessions} returns: {@link Sessions}, less what takes a store. Calls of that do not compile. */
export interface SealedSessions<Data extends object = Record<string, unknown>> extends Sessions<Data> {
  load(cookieValue: string | undefined): Promise<SealedSession<Data>>
  /** Throws `unsupported`: nobody but the browsers has the sessions. */
  listSubject(this: never): never
  /** Throws `unsupported`: nobody but the browser has the session. */
  revoke(this: never): never
  /** Throws `unsupported`: nobody but the browsers has the sessions. */
  revokeSubject(this: never): never
  /** Throws `unsupported`: nothing says that a session has ended. */
  signal(this: never): never
  /** Throws `unsupported`: nobody but the browsers has the sessions. */
  count(this: never): never
}

/** How many cookies of one name are opened. */
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

  /** The first that opens. None can be ended but by taking it from its browser. */
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
    throw unsupported('a session in its cookie cannot be revoked: nobody but the browser has it')
  }

  override signal(): AbortSignal {
    throw unsupported('nothing says that a session in its cookie has ended: no signal can abort for that')
  }
}
