import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises'
import { SessError } from './error.ts'
import { invalid } from './option-check.ts'
import { isSound, isTime } from './record.ts'
import {
  asExpected,
  type ExpectedRecord,
  type ReadOptions,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from './store.ts'

/** How long a method that works in pages runs, in ms, before it yields to other work of the process. */
const TURN_MS = 5

/**
 * How long after its expiry a backend may remove a record, in ms. So a clock that is up to this much ahead never removes a live
 * record.
 */
export const GRACE_MS = 60_000

/**
 * The argument of {@link defineStore}: the methods of a {@link SessionStore}, without the checks that `defineStore` adds. A literal
 * or an instance of a class. If an optional method is missing or undefined, the store does not have it.
 */
export interface StoreImplementation extends Pick<
  SessionStore,
  'name' | 'create' | 'replace' | 'touch' | 'delete' | 'list' | 'all' | 'deleteSubject' | 'count'
> {
  /** Default: `expiryResolutionMs` 1, `needsPepper` false, `staleMs` 0. */
  readonly traits: Pick<StoreTraits, 'maxPayloadBytes'> & Partial<StoreTraits>
  /** As {@link SessionStore.read}, but it may also return a record that has expired. */
  read(key: SessionKey, now: number, options: ReadOptions): Promise<SessionRecord | undefined>
  /**
   * Removes the records whose `expiresAt` is at or before `until`. It need not check a clock: `until` is already a minute in the past,
   * by core's clock and by the store's.
   *
   * @returns For each page, how many records were removed.
   */
  sweep?(until: number): AsyncIterable<number>
  /** Returns the time of the backend's server, in ms since the epoch. Only a sweep calls it. Default: `Date.now`. */
  clock?(): number | Promise<number>
  /** Releases what the store itself opened. It is called once, and no other method is called after it. */
  close?(): Promise<void> | void
}

/**
 * Makes a store of an implementation. The store has exactly the optional methods that the implementation has. `defineStore` adds
 * what every store must do, so that the implementation need not:
 *
 * - it refuses wrong arguments with `invalid_option`, and a payload larger than `traits.maxPayloadBytes` with `too_large`;
 * - after `close` each method rejects with `store_unavailable`; a second `close` does nothing;
 * - `read`, `list` and `all` do not return a record that has expired;
 * - a sweep gets the time up to which it may remove records, by core's clock and by the store's;
 * - between two pages, other work of the process can run;
 * - an error that a method throws synchronously becomes a rejection, and the traits are frozen.
 *
 * @throws {SessError} `invalid_option` if the implementation has no name, no traits, or not all of the five methods.
 */
export function defineStore(implementation: StoreImplementation): SessionStore {
  const it = implementation
  checkImplementation(it)
  const { name } = it
  const traits: StoreTraits = Object.freeze({ expiryResolutionMs: 1, needsPepper: false, staleMs: 0, ...it.traits })
  let closing: Promise<void> | undefined

  /** @throws {SessError} `store_unavailable` after `close`; otherwise `problem`, if an argument is wrong. */
  function check(problem: SessError | undefined): void {
    if (closing) throw new SessError('store_unavailable', `the ${name} store was closed; make another`)
    if (problem) throw problem
  }

  function call<T>(problem: SessError | undefined, run: () => Promise<T>): Promise<T> {
    try {
      check(problem)
      return run()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async function* paged<T>(problem: SessError | undefined, open: () => AsyncIterable<T>): AsyncGenerator<T, void> {
    check(problem)
    let began = performance.now()
    for await (const page of open()) {
      yield page
      check(undefined)
      if (performance.now() - began < TURN_MS) continue
      await turnOfTheEventLoop()
      began = performance.now()
    }
  }

  async function* live(
    problem: SessError | undefined,
    now: number,
    open: () => AsyncIterable<readonly [SessionKey, SessionRecord]>,
  ): AsyncGenerator<readonly [SessionKey, SessionRecord], void> {
    for await (const entry of paged(problem, open)) if (isLive(entry[1], now)) yield entry
  }

  const problemOf = (record: SessionRecord): SessError | undefined => {
    if (!isSound(record)) return invalid('record', 'must be { revision, expiresAt, subject?, payload }')
    const { length } = record.payload
    return length <= traits.maxPayloadBytes
      ? undefined
      : new SessError(
          'too_large',
          `a payload of ${length} bytes; the ${name} store takes at most ${traits.maxPayloadBytes}. Nothing was written`,
        )
  }

  return {
    name,
    traits,
    read: (key, now, options = {}) =>
      call(wrongCall(key, now), () =>
        it.read(key, now, options).then((record) => (record && isLive(record, now) ? asExpected(record) : undefined)),
      ),
    create: (key, record, now) => call(wrongCall(key, now) ?? problemOf(record), () => it.create(key, record, now)),
    replace: (key, expected, next, now) =>
      call(wrongCall(key, now) ?? wrongExpected(expected) ?? problemOf(next), () =>
        it.replace(key, expected, next, now),
      ),
    touch: (key, expected, expiresAt, now) =>
      call(wrongCall(key, now) ?? wrongExpected(expected) ?? wrongTime('expiresAt', expiresAt), () =>
        it.touch(key, expected, expiresAt, now),
      ),
    delete: (key, now) => call(wrongCall(key, now), () => it.delete(key, now)),
    ...(it.list && {
      list: (subject, now) => live(wrongSubject(subject) ?? wrongTime('now', now), now, () => it.list!(subject, now)),
    }),
    ...(it.all && { all: (now) => live(wrongTime('now', now), now, () => it.all!(now)) }),
    ...(it.deleteSubject && {
      deleteSubject: (subject, now, except) =>
        paged(wrongSubject(subject) ?? (except ? wrongCall(except, now) : wrongTime('now', now)), () =>
          it.deleteSubject!(subject, now, except),
        ),
    }),
    ...(it.count && { count: (now) => paged(wrongTime('now', now), () => it.count!(now)) }),
    ...(it.sweep && {
      sweep: (now) =>
        paged(wrongTime('now', now), async function* () {
          const storeNow = it.clock ? await it.clock() : Date.now()
          yield* it.sweep!(Math.min(now, storeNow) - GRACE_MS)
        }),
    }),
    ...(it.close && {
      close: () => (closing ??= Promise.resolve().then(() => it.close!())),
    }),
  } satisfies SessionStore
}

const REQUIRED = ['read', 'create', 'replace', 'touch', 'delete'] as const
const OPTIONAL = ['list', 'all', 'deleteSubject', 'count', 'sweep', 'clock', 'close'] as const

function checkImplementation(it: StoreImplementation): void {
  if (typeof it?.name !== 'string' || !it.name)
    throw invalid('name', 'of a store must be text: it names the store in messages')
  if (!Number.isSafeInteger(it.traits?.maxPayloadBytes) || it.traits.maxPayloadBytes < 1)
    throw invalid('traits.maxPayloadBytes', 'must be a whole number above 0')
  for (const method of REQUIRED)
    if (typeof it[method] !== 'function') throw invalid(method, 'must be a method of a store')
  for (const method of OPTIONAL)
    if (it[method] !== undefined && typeof it[method] !== 'function')
      throw invalid(method, 'must be a method of a store, or be left out')
}

/** The expiry of a damaged record may be NaN. Such a record counts as live here, and core reports it as damaged. */
function isLive(record: SessionRecord, now: number): boolean {
  return !(record.expiresAt <= now)
}

function isTag(tag: unknown): boolean {
  return typeof tag === 'string' && /^[\w-]{12}$/.test(tag)
}

function wrongCall(key: SessionKey, now: number): SessError | undefined {
  if (!isTag(key?.tag) || typeof key.id !== 'string' || !/^[\w-]{16}$/.test(key.id))
    return invalid('key', 'must be { tag, id } of 12 and of 16 base64url characters')
  return wrongTime('now', now)
}

function wrongTime(option: string, time: number): SessError | undefined {
  return isTime(time) ? undefined : invalid(option, 'must be a time in ms since the epoch')
}

function wrongExpected(expected: ExpectedRecord): SessError | undefined {
  return typeof expected?.revision === 'number' ? undefined : invalid('expected', 'must be the record as it was read')
}

function wrongSubject(subject: Subject): SessError | undefined {
  return isTag(subject?.tag) && typeof subject.id === 'string' && subject.id
    ? undefined
    : invalid('subject', 'must be { id, tag }, of which the tag has 12 base64url characters')
}
