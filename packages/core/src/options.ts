import type { Duration } from './api.ts'
import { milliseconds } from './duration.ts'
import { SessError } from './error.ts'
import { jsonSerializer } from './json.ts'
import type { DataSchema } from './schema.ts'
import type { Seal, Serializer, SerializerOption } from './serializer.ts'
import type { SessionStore } from './store.ts'

/** Options of `createSessions`, `serializer` and `schema` apart. */
export interface BaseOptions {
  /** Where sessions are kept. */
  readonly store: SessionStore
  /** How long a session lives without use; `false`: it does not slide. Default: `'30m'`. */
  readonly idleTimeout?: Duration | false
  /** How long a session lives at most. Default: `'12h'`. */
  readonly absoluteTimeout?: Duration
  /**
   * The idle clock is moved when it would move by at least this. Default: a tenth of the idle timeout; so an idle
   * session may end up to a tenth early.
   */
  readonly touchAfter?: Duration
  /** Cookies outlive the browser's window, with Max-Age. False: they go when it closes. Default: true. */
  readonly persistent?: boolean
  /** Encrypts what the store keeps. Default: none. */
  readonly seal?: Seal
  /** Stored with each record; a record of a newer version rejects. A whole number. Default: 0. */
  readonly schemaVersion?: number
  /** Turns data of an older schema version into this one's. */
  readonly migrate?: (data: Record<string, unknown>, fromVersion: number) => Record<string, unknown>
  /**
   * Keys the hash that turns a subject into a tag: at least 16 bytes. A list for rotation, newest first. Needed where
   * `store.traits.tagIsShard`. Default: none, a plain hash.
   */
  readonly pepper?: string | Uint8Array | readonly (string | Uint8Array)[]
  /**
   * What happens when two requests changed the same top-level key. A function returns the value to keep; undefined
   * deletes the key. Default: `'last-writer-wins'`.
   */
  readonly onConflict?: 'last-writer-wins' | 'throw' | ((conflict: KeyConflict) => unknown)
  /** How long one call into the store may take; at most 10 s. Default: `'5s'`. */
  readonly storeTimeout?: Duration
  /** The time in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number
  /**
   * Where rejections are told, one line each; `false`: nowhere. Default: `console.warn`, and nowhere when `NODE_ENV` is
   * `production` or `test`.
   */
  readonly log?: false | ((line: string) => void)
}

/** Options of `createSessions` for data of a type. */
export type SessionsOptions<Data extends object = Record<string, unknown>> = BaseOptions & SerializerOption<Data>

/** A top-level key that two requests changed. A value is undefined where the key was absent or was deleted. */
export interface KeyConflict {
  readonly key: string
  /** As this request loaded it. */
  readonly base: unknown
  /** As the other request left it. */
  readonly theirs: unknown
  /** As this request would have it. */
  readonly mine: unknown
}

/** Options with their defaults, checked. Times in ms. */
export interface Settings {
  readonly store: SessionStore
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly touchAfter: number | undefined
  readonly persistent: boolean
  readonly serializers: ReadonlyMap<string, Serializer>
  readonly serializer: Serializer
  readonly seal: Seal | undefined
  readonly schema: DataSchema<object> | undefined
  readonly schemaVersion: number
  readonly migrate: BaseOptions['migrate']
  readonly peppers: readonly (string | Uint8Array | undefined)[]
  readonly onConflict: NonNullable<BaseOptions['onConflict']>
  readonly storeTimeout: number
  readonly clock: () => number
  readonly log: ((line: string) => void) | undefined
}

/** Lifetimes in ms; an idle timeout of 0 does not slide. */
export interface Lifetimes {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
}

const KNOWN: ReadonlySet<string> = new Set(
  'store idleTimeout absoluteTimeout touchAfter persistent serializer seal schema schemaVersion migrate pepper onConflict storeTimeout clock log'.split(
    ' ',
  ),
)

/** @throws {SessError} `invalid_option`, naming the option. */
export function settingsOf(
  options: BaseOptions & {
    serializer?: Serializer | readonly Serializer[]
    schema?: DataSchema<object>
  },
): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.has(name)) throw invalid(name, 'is not an option of createSessions')
  const { store, clock } = options
  if (typeof store?.read !== 'function' || !store.traits)
    throw invalid('store', 'is not a session store; pass redisStore(client), sqliteStore(database) or another')
  const lifetimes = lifetimesOf(options, {
    idleTimeout: milliseconds('30m', 'idleTimeout'),
    absoluteTimeout: milliseconds('12h', 'absoluteTimeout'),
  })
  const touchAfter = options.touchAfter === undefined ? undefined : milliseconds(options.touchAfter, 'touchAfter')
  if (touchAfter !== undefined && lifetimes.idleTimeout > 0 && touchAfter >= lifetimes.idleTimeout)
    throw invalid('touchAfter', 'must be shorter than idleTimeout, or sessions end while they are used')
  const storeTimeout = milliseconds(options.storeTimeout ?? '5s', 'storeTimeout')
  if (storeTimeout > 10_000)
    throw invalid('storeTimeout', 'must be at most 10s, so that no write outlives the marks that guard against it')
  const serializers = [options.serializer ?? jsonSerializer].flat() as Serializer[]
  if (!serializers.length) throw invalid('serializer', 'is an empty list; the first one writes, all of them read')
  for (const serializer of serializers)
    if (typeof serializer?.serialize !== 'function' || !/^.{1,32}$/.test(serializer.name))
      throw invalid('serializer', 'needs name, serialize and deserialize')
  const peppers = options.pepper === undefined ? [] : [options.pepper].flat()
  for (const pepper of peppers)
    if (Buffer.byteLength(pepper) < 16) throw invalid('pepper', 'needs at least 16 random bytes')
  if (!peppers.length && (store.traits.tagIsShard || options.pepper !== undefined))
    throw invalid(
      'pepper',
      `is needed on the ${store.name} store, where anyone could otherwise compute on which shard a user's sessions lie`,
    )
  const schemaVersion = options.schemaVersion ?? 0
  if (!Number.isInteger(schemaVersion) || schemaVersion < 0 || schemaVersion > 0xffff_ffff)
    throw invalid('schemaVersion', 'must be a whole number from 0')
  const onConflict = options.onConflict ?? 'last-writer-wins'
  if (typeof onConflict !== 'function' && onConflict !== 'throw' && onConflict !== 'last-writer-wins')
    throw invalid('onConflict', "must be 'last-writer-wins', 'throw' or a function")
  return {
    store,
    ...lifetimes,
    touchAfter,
    storeTimeout,
    schemaVersion,
    onConflict,
    persistent: options.persistent ?? true,
    serializer: serializers[0]!,
    serializers: new Map([jsonSerializer, ...serializers].map((serializer) => [serializer.name, serializer])),
    seal: options.seal,
    schema: options.schema,
    migrate: options.migrate,
    peppers: peppers.length ? peppers : [undefined],
    clock: clock ? () => Math.floor(clock()) : Date.now,
    log: options.log === false ? undefined : (options.log ?? defaultLog()),
  }
}

/** The lifetimes of options, with these defaults. @throws {SessError} `invalid_option`. */
export function lifetimesOf(
  options: { idleTimeout?: Duration | false; absoluteTimeout?: Duration },
  defaults: Lifetimes,
): Lifetimes {
  const absoluteTimeout =
    options.absoluteTimeout === undefined
      ? defaults.absoluteTimeout
      : milliseconds(options.absoluteTimeout, 'absoluteTimeout')
  const idleTimeout =
    options.idleTimeout === undefined
      ? // A default must not stand in the way of a shorter absolute timeout.
        Math.min(defaults.idleTimeout, absoluteTimeout)
      : options.idleTimeout === false
        ? 0
        : milliseconds(options.idleTimeout, 'idleTimeout')
  if (idleTimeout > absoluteTimeout)
    throw invalid('idleTimeout', 'is longer than absoluteTimeout, which would always end the session first')
  return { idleTimeout, absoluteTimeout }
}

/** An `invalid_option` error that names the option. */
export function invalid(option: string, what: string): SessError {
  return new SessError('invalid_option', `${option} ${what}`)
}

function defaultLog(): ((line: string) => void) | undefined {
  const mode = process.env['NODE_ENV']
  return mode === 'production' || mode === 'test' ? undefined : (line) => console.warn(line)
}
