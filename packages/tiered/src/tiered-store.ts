import {
  asExpected,
  checkOptions,
  checkStore,
  invalid,
  wrapStore,
  type AnyRecord,
  type ExpectedRecord,
  type OptionNames,
  type ReadOptions,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreAround,
  type StoreTraits,
  type Subject,
} from '@sess/core/adapter'
import { Cache } from './cache.ts'
import type { Entry } from './entry.ts'

/** Options of {@link tieredStore}. */
export interface TieredStoreOptions {
  /** Answers reads. It may lose anything at any time. */
  readonly cache: SessionStore
  /** Keeps the sessions; every write goes there first. */
  readonly origin: SessionStore
  /** How old an answer of the cache may be, in ms; at most 60,000. Default: 10,000. */
  readonly staleMs?: number
  /** How long a request waits for the cache, in ms, before it goes on without the cache. Default: 250. */
  readonly cacheTimeoutMs?: number
  /** Called with each failure of the cache. No request fails because of it. Default: none. */
  readonly onCacheError?: (error: unknown) => void
}

const OPTIONS: OptionNames<TieredStoreOptions> = {
  cache: true,
  origin: true,
  staleMs: true,
  cacheTimeoutMs: true,
  onCacheError: true,
}

/** How many tombstones of a revoked subject are written at the same time. */
const AT_ONCE = 32

/** How many sessions of a revoked subject are listed in one page. */
const LISTED = 100

/**
 * Makes a store with a cache in front of a durable store.
 *
 * A read is answered by the cache, if it has the session. A write goes to the origin, which alone decides; then its result is stored in
 * the cache, as the new record or as a tombstone. Another process sees a write, a logout too, at once if both share the cache, and
 * otherwise within `staleMs`, even if the cache was down during the write.
 *
 * @throws {SessError} `invalid_option`.
 */
export function tieredStore(options: TieredStoreOptions): SessionStore {
  if (options === undefined) throw invalid('options', 'are needed, as in tieredStore({ cache, origin })')
  checkOptions(options, 'tieredStore()', OPTIONS)
  const { cache, origin, staleMs = 10_000, cacheTimeoutMs = 250, onCacheError = () => {} } = options
  checkStore(cache, 'cache')
  checkStore(origin, 'origin')
  if (typeof onCacheError !== 'function') throw invalid('onCacheError', 'must be a function')
  if (cache === origin) throw invalid('cache', 'must be another store than origin')
  if (!(Number.isInteger(staleMs) && staleMs >= 1 && staleMs <= 60_000))
    throw invalid('staleMs', 'must be a whole number from 1 to 60,000')
  if (!(cacheTimeoutMs >= 1 && cacheTimeoutMs <= 10_000)) throw invalid('cacheTimeoutMs', 'must be from 1 to 10,000')
  const sweepers = [origin, cache].filter((store) => store.sweep)
  // No `close`: the caller made both stores, and closes them.
  const { close: _, ...tiered } = wrapStore(
    origin,
    new Tiers(
      origin,
      cache,
      new Cache({ store: cache, staleMs, timeoutMs: cacheTimeoutMs, onError: onCacheError }),
      staleMs,
    ),
  )
  return sweepers.length ? { ...tiered, sweep: (now) => sweepAll(sweepers, now) } : tiered
}

/** The methods that differ from those of the origin. */
class Tiers implements StoreAround {
  readonly name = 'tiered'
  readonly traits: Partial<StoreTraits>
  readonly #origin: SessionStore
  readonly #cache: Cache
  /** For each record that was read from the cache, its entry. */
  readonly #seen = new WeakMap<ExpectedRecord, Entry>()

  constructor(origin: SessionStore, cacheStore: SessionStore, cache: Cache, staleMs: number) {
    this.#origin = origin
    this.#cache = cache
    this.traits = {
      needsPepper: origin.traits.needsPepper || cacheStore.traits.needsPepper,
      staleMs: staleMs + origin.traits.staleMs,
    }
  }

  async read(key: SessionKey, now: number, options?: ReadOptions): Promise<ExpectedRecord | undefined> {
    if (options?.fresh) return this.#origin.read(key, now, options)
    const entry = await this.#cache.get(key, now)
    if (typeof entry === 'object' && entry.record) {
      const record = asExpected(entry.record)
      this.#seen.set(record, entry)
      return record
    }
    const record = await this.#origin.read(key, now)
    // In the background.
    if (record && !entry) void this.#cache.fill(key, record, now)
    return record
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const created = await this.#origin.create(key, record, now)
    if (created) await this.#cache.leave(key, record, now)
    return created
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const answer = await this.#buryingIfUnknown(key, now, () => this.#origin.replace(key, expected, record, now))
    await this.#left(key, answer === 'replaced' ? record : answer, expected, now)
    return answer
  }

  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const answer = await this.#origin.touch(key, expected, expiresAt, now)
    // Read the record again: equal revisions do not prove that it is still the record that was read.
    const touched = answer === 'touched' && (await this.#origin.read(key, now, { fresh: true }).catch(() => undefined))
    await this.#left(key, touched || (answer === 'touched' ? 'missing' : answer), expected, now)
    return answer
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    const deleted = await this.#buryingIfUnknown(key, now, () => this.#origin.delete(key, now))
    await this.#cache.leave(key, undefined, now)
    return deleted
  }

  /** Lists the sessions first, because the keys of deleted sessions cannot be found afterwards. */
  async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number | undefined> {
    const keys: SessionKey[] = []
    if (this.#origin.list)
      for await (const [key] of this.#origin.list(subject, now)) {
        if (key.id === except?.id && key.tag === except.tag) continue
        // A page for the caller, so that no page takes as long as the whole list.
        if (keys.push(key) % LISTED === 0) yield 0
      }
    let failure: { readonly error: unknown } | undefined
    try {
      yield* this.#origin.deleteSubject!(subject, now, except)
    } catch (error) {
      failure = { error }
    }
    // Also after a failure: a tombstone for a live session does no harm, since it only makes reads go to the origin.
    for (let i = 0; i < keys.length; i += AT_ONCE) {
      await Promise.all(keys.slice(i, i + AT_ONCE).map((key) => this.#cache.leave(key, undefined, now)))
      yield 0
    }
    if (failure) throw failure.error
  }

  /** Stores the result of a write in the cache. After a conflict, the other writer does it. */
  async #left(
    key: SessionKey,
    outcome: AnyRecord | 'conflict' | 'missing',
    expected: ExpectedRecord,
    now: number,
  ): Promise<void> {
    if (outcome === 'conflict') return
    await this.#cache.leave(key, outcome === 'missing' ? undefined : outcome, now, this.#seen.get(expected))
  }

  /** Runs a write. If its outcome is unknown, it stores a tombstone in the cache, so that reads go to the origin. */
  async #buryingIfUnknown<T>(key: SessionKey, now: number, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      await this.#cache.leave(key, undefined, now)
      throw error
    }
  }
}

async function* sweepAll(stores: readonly SessionStore[], now: number): AsyncIterable<number> {
  for (const store of stores) yield* store.sweep!(now)
}
