import { isUint8Array } from 'node:util/types'
import type { Plain } from './data.ts'
import { LONGEST_TIMER_MS, milliseconds } from './duration.ts'
import { LONGEST_NAME, type Envelope } from './envelope.ts'
import { jsonSerializer } from './json.ts'
import { anonymousLifetimesOf, lifetimesOf, type Lifetimes } from './lifetimes.ts'
import { checkOptions, checkStore, checkType, describe, invalid, type OptionNames } from './option-check.ts'
import type { AnyOptions, BaseOptions } from './options.ts'
import type { DataSchema } from './schema.ts'
import type { Seal, Serializer } from './serializer.ts'
import type { SessionStore } from './store.ts'

/** The checked options of `createSessions`, with defaults. Times are in ms. */
export interface Settings extends Lifetimes {
  readonly store: SessionStore
  readonly anonymous: Lifetimes
  /** Infinity: no limit. */
  readonly maxPerSubject: number
  readonly touchAfter: number | undefined
  readonly persistent: boolean
  readonly serializers: ReadonlyMap<string, Serializer>
  readonly serializer: Serializer
  readonly seal: Seal | undefined
  readonly schema: DataSchema<object> | undefined
  readonly schemaVersion: number
  readonly migrate: BaseOptions['migrate']
  /** An entry of undefined stands for no pepper. */
  readonly peppers: readonly (string | Uint8Array | undefined)[]
  /** 0: none. */
  readonly notBefore: number
  readonly onConflict: NonNullable<BaseOptions['onConflict']>
  readonly storeTimeout: number
  /** 0: not at all. */
  readonly sweepEvery: number
  readonly clock: () => number
  readonly log: ((line: string) => void) | undefined
  /** Called at each write, if the data decides how long a session lives (external IDs). A result of undefined changes nothing. */
  readonly termsOf?: (data: Plain, now: Terms) => Terms | undefined
}

/** The fields of an envelope that decide how long a session lives. */
export type Terms = Pick<Envelope, 'createdAt' | 'idleTimeout' | 'absoluteAt'>

/** A smaller number than this (the year 1973, in ms) was probably meant as seconds. */
const LEAST_TIME_MS = 1e11

const NAMES: OptionNames<AnyOptions> = {
  store: true,
  idleTimeout: true,
  absoluteTimeout: true,
  anonymous: true,
  maxPerSubject: true,
  touchAfter: true,
  persistent: true,
  serializer: true,
  schema: true,
  schemaVersion: true,
  migrate: true,
  seal: true,
  pepper: true,
  notBefore: true,
  onConflict: true,
  storeTimeout: true,
  sweepEvery: true,
  clock: true,
  log: true,
}

const HINTS = {
  keys: 'pass keys to a seal: { seal: aesGcmSeal({ keys }) } of @sess/sealed',
  prefix: 'pass it to the store, as in redisStore(client, { prefix })',
  client: 'pass it to the store, as in redisStore(client)',
}

/** Checks the options of `createSessions`, and adds the defaults. @throws {SessError} `invalid_option`; the message names the option. */
export function settingsOf(options: AnyOptions): Settings {
  if (options === undefined) throw invalid('options', 'are needed, as in createSessions({ store: memoryStore() })')
  checkOptions(options, 'createSessions()', NAMES, HINTS)
  const {
    store,
    clock,
    seal,
    schema,
    migrate,
    schemaVersion = 0,
    onConflict = 'last-writer-wins',
    persistent = true,
    maxPerSubject = Infinity,
  } = options
  const refuse = (when: boolean, option: string, what: string): void => {
    if (when) throw invalid(option, what)
  }
  checkStore(store, 'store')
  checkType(persistent, 'persistent', 'boolean')
  checkType(clock, 'clock', 'function')
  checkType(migrate, 'migrate', 'function')
  if (options.log !== false) checkType(options.log, 'log', 'function')
  const lifetimes = lifetimesOf(options, { idleTimeout: 1_800_000, absoluteTimeout: 43_200_000 })
  const anonymous = anonymousLifetimesOf(options.anonymous, lifetimes)
  refuse(
    maxPerSubject !== Infinity && !(Number.isSafeInteger(maxPerSubject) && maxPerSubject > 0),
    'maxPerSubject',
    'must be a whole number above 0',
  )
  refuse(
    maxPerSubject !== Infinity && !store.list,
    'maxPerSubject',
    `needs a store that can list a subject's sessions; the ${store.name} store cannot`,
  )
  const touchAfter =
    options.touchAfter === undefined ? undefined : milliseconds(options.touchAfter, 'touchAfter', { zero: true })
  refuse(
    lifetimes.idleTimeout > 0 && (touchAfter ?? 0) >= lifetimes.idleTimeout,
    'touchAfter',
    'must be shorter than idleTimeout',
  )
  const storeTimeout = milliseconds(options.storeTimeout ?? 5000, 'storeTimeout')
  refuse(storeTimeout > 10_000, 'storeTimeout', 'must be at most 10s, so that no write outlives a marker')
  const sweepEvery = options.sweepEvery === false ? 0 : milliseconds(options.sweepEvery ?? 600_000, 'sweepEvery')
  refuse(sweepEvery > LONGEST_TIMER_MS, 'sweepEvery', 'must be at most 24d')
  const serializers = listOf(options.serializer ?? jsonSerializer)
  refuse(
    !serializers.length ||
      !serializers.every((one) => typeof one?.serialize === 'function' && one.name && one.name.length <= LONGEST_NAME),
    'serializer',
    `must be a serializer, or a list of them, each with a name of 1 to ${LONGEST_NAME} characters`,
  )
  for (const name of ['pepper', 'seal'] as const)
    refuse(
      Object.hasOwn(options, name) && options[name] === undefined,
      name,
      'is undefined: is a variable not set? Leave the option out to do without',
    )
  refuse(
    seal !== undefined && !(typeof seal?.seal === 'function' && typeof seal.open === 'function'),
    'seal',
    `must be a seal, as from aesGcmSeal({ keys }) of @sess/sealed, and is ${describe(seal)}`,
  )
  refuse(
    schema !== undefined && typeof schema?.['~standard']?.validate !== 'function',
    'schema',
    `must be a Standard Schema, as of Zod, Valibot or ArkType, and is ${describe(schema)}`,
  )
  const peppers = listOf(options.pepper ?? [])
  refuse(
    !peppers.every((pepper) => isPepper(pepper) || (pepper === false && Array.isArray(options.pepper))),
    'pepper',
    'must be text or bytes, at least 16 random bytes, or a list of these, in which false stands for no pepper',
  )
  refuse(
    store.traits.needsPepper && (!peppers.length || peppers.includes(false)),
    'pepper',
    `is required by the ${store.name} store: without it anybody can compute the shard of a user`,
  )
  const notBefore = Number(options.notBefore ?? 0)
  refuse(
    !(notBefore >= LEAST_TIME_MS || (notBefore === 0 && options.notBefore === undefined)) || notBefore === Infinity,
    'notBefore',
    'must be a Date, or ms since the epoch (not seconds)',
  )
  refuse(
    !(Number.isInteger(schemaVersion) && schemaVersion >= 0 && schemaVersion < 2 ** 32),
    'schemaVersion',
    'must be a whole number from 0',
  )
  refuse(
    typeof onConflict !== 'function' && !['throw', 'last-writer-wins'].includes(onConflict),
    'onConflict',
    "must be 'last-writer-wins', 'throw' or a function",
  )
  return {
    ...lifetimes,
    anonymous,
    maxPerSubject,
    store,
    seal,
    schema,
    migrate,
    schemaVersion,
    onConflict,
    persistent,
    touchAfter,
    storeTimeout,
    sweepEvery,
    serializer: serializers[0]!,
    serializers: new Map([jsonSerializer, ...serializers].map((serializer) => [serializer.name, serializer])),
    peppers: peppers.length ? peppers.map((pepper) => pepper || undefined) : [undefined],
    notBefore,
    clock: clock ? () => Math.floor(clock()) : Date.now,
    log: options.log === false ? undefined : (options.log ?? defaultLog()),
  }
}

function defaultLog(): ((line: string) => void) | undefined {
  return ['production', 'test'].includes(process.env['NODE_ENV'] ?? '') ? undefined : (line) => console.warn(line)
}

function isPepper(value: unknown): boolean {
  return (typeof value === 'string' || isUint8Array(value)) && Buffer.byteLength(value) >= 16
}

function listOf<T extends string | object | false>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}
