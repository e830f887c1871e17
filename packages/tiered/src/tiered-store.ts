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
  /** How long the cache may answer late, in ms; at most 60,000. Default: 10,000. */
  readonly staleMs?: number
  /** How long a request waits for the cache, in ms, before it goes on without. Default: 250. */
  readonly cacheTimeoutMs?: number
  /** Told of each failure of the cache, which no request sees otherwise. Default: nobody is. */
  readonly onCacheError?: (error: unknown) => void
}

const OPTIONS: OptionNames<TieredStoreOptions> = {
  cache: true,
  origin: true,
  staleMs: true,
  cacheTimeoutMs: true,
  onCacheError: true,
}

/** How many tombstones of a revoked subject are under way at once. */
const AT_ONCE = 32

/** How many sessions of a revoked subject are listed in a step. */
const LISTED = 100

/**
 * A cache in front of a durable store.
 *
 * Reads are answered by the cache, where it has the session. Writes go to the origin, which alone decides; then their
 * outcome is left in the cache, as the new record or as a tombstone. What another process wrote, a logout too, is seen
 * at once through a cache that both share, and within `staleMs` through any cache, even one that was away meanwhile.
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
  if (cache === origin) throw invalid('cache', 'is the origin itself')
  if (!(Number.isInteger(staleMs) && staleMs >= 1 && staleMs <= 60_000))
    throw invalid('staleMs', 'must be a whole number from 1 to 60,000')
  if (!(cacheTimeoutMs >= 1 && cacheTimeoutMs <= 10_000)) throw invalid('cacheTimeoutMs', 'must be from 1 to 10,000')
  const sweepers = [origin, cache].filter((store) => store.sweep)
  // Neither of the two was made here, to be closed here.
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

/** What is done otherwise than by the origin alone. */
class Tiers implements StoreAround {
  readonly name = 'tiered'
  readonly traits: Partial<StoreTraits>
  readonly #origin: SessionStore
  readonly #cache: Cache
  /** The entries that records were read from. */
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
    // Nobody waits for it.
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
    // What it moved is asked for: that the record is still the one which was read, its revision alone cannot say.
    const touched = answer === 'touched' && (await this.#origin.read(key, now, { fresh: true }).catch(() => undefined))
    await this.#left(key, touched || (answer === 'touched' ? 'missing' : answer), expected, now)
    return answer
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    const deleted = await this.#buryingIfUnknown(key, now, () => this.#origin.delete(key, now))
    await this.#cache.leave(key, undefined, now)
    return deleted
  }

  /** Lists first, for nobody can name to the cache what the origin has deleted. */
  async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number | undefined> {
    const keys: SessionKey[] = []
    if (this.#origin.list)
      for await (const [key] of this.#origin.list(subject, now)) {
        if (key.id === except?.id && key.tag === except.tag) continue
        // So that no step of the caller's takes as long as the whole list.
        if (keys.push(key) % LISTED === 0) yield 0
      }
    let failure: { readonly error: unknown } | undefined
    try {
      yield* this.#origin.deleteSubject!(subject, now, except)
    } catch (error) {
      failure = { error }
    }
    // After a part of it too: a tombstone under a session that lives only has the origin asked.
    for (let i = 0; i < keys.length; i += AT_ONCE) {
      await Promise.all(keys.slice(i, i + AT_ONCE).map((key) => this.#cache.leave(key, undefined, now)))
      yield 0
    }
    if (failure) throw failure.error
  }

  /** Leaves in the cache what a write brought about. After a conflict that is the other writer's to do. */
  async #left(
    key: SessionKey,
    outcome: AnyRecord | 'conflict' | 'missing',
    expected: ExpectedRecord,
    now: number,
  ): Promise<void> {
    if (outcome === 'conflict') return
    await this.#cache.leave(key, outcome === 'missing' ? undefined : outcome, now, this.#seen.get(expected))
  }

  /** A write that may have been applied leaves a tombstone, so that the origin is asked what became of it. */
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
