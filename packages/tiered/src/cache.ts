import {
  isSound,
  SessError,
  type AnyRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core/adapter'
import { decode, encode, type Entry } from './entry.ts'

/** How often an entry is tried against others that come between. */
const TRIES = 20

/** What a {@link Cache} goes by. Times in ms. */
export interface CacheSettings {
  readonly store: SessionStore
  readonly staleMs: number
  readonly timeoutMs: number
  readonly onError: (error: unknown) => void
}

/**
 * A store as a cache: it may forget, be late or be away, and nothing here rejects.
 *
 * An entry's life is counted from when the origin was asked, so none outlives `staleMs`, however late it arrives. Entries
 * only ever move on: to a later revision, a later expiry, or a tombstone, which stays until no fill from before it can
 * arrive any more.
 */
export class Cache {
  readonly #settings: CacheSettings

  constructor(settings: CacheSettings) {
    this.#settings = settings
  }

  /** What is there; `unknown` when the cache does not answer. */
  async get(key: SessionKey, now: number): Promise<Entry | 'unknown' | undefined> {
    return this.#guarded(() => this.#read(key, now), 'unknown')
  }

  /** Keeps what the origin answered, unless something is there. @param now - When the origin was asked. */
  async fill(key: SessionKey, record: AnyRecord, now: number): Promise<void> {
    await this.#guarded(() => this.#settings.store.create(key, this.#held(record, now, 1), now), false)
  }

  /**
   * Leaves what the origin was made to hold.
   *
   * @param record - Undefined: a tombstone.
   * @param seen - The entry that this was read from, where it was: spares a look.
   */
  async leave(key: SessionKey, record: AnyRecord | undefined, now: number, seen?: Entry): Promise<void> {
    await this.#guarded(() => this.#leave(key, record, now, seen), undefined)
  }

  async #leave(key: SessionKey, record: AnyRecord | undefined, now: number, seen?: Entry): Promise<void> {
    const { store } = this.#settings
    let entry = seen ?? (await this.#read(key, now))
    for (let tries = 0; tries < TRIES; tries++) {
      if (entry && !movesOn(entry, record)) return
      const next = this.#held(record, now, (entry?.held.revision ?? 0) + 1)
      const done = entry
        ? (await store.replace(key, entry.held, next, now)) === 'replaced'
        : await store.create(key, next, now)
      if (done) return
      entry = await this.#read(key, now)
    }
    throw new SessError('conflict', `the ${store.name} cache was written ${TRIES} times by others; it may answer late`)
  }

  async #read(key: SessionKey, now: number): Promise<Entry | undefined> {
    const { store } = this.#settings
    const held = await store.read(key, now)
    if (!held || isSound(held)) return held && decode(held)
    // Damaged, and no compare-and-set can take its place. A tombstone that comes between goes too; what an old answer of the
    // origin then puts here ends within `staleMs`, as any fill does.
    await store.delete(key, now)
    return undefined
  }

  /** What does not fit is a tombstone: the origin is asked for it. */
  #held(record: AnyRecord | undefined, now: number, revision: number): SessionRecord {
    const { staleMs, store } = this.#settings
    const payload = encode(record)
    return record && payload.length <= store.traits.maxPayloadBytes
      ? { revision, expiresAt: Math.min(record.expiresAt, now + staleMs), payload }
      : { revision, expiresAt: now + 2 * staleMs, payload: encode(undefined) }
  }

  async #guarded<T, U>(ask: () => Promise<T>, otherwise: U): Promise<T | U> {
    const { store, timeoutMs, onError } = this.#settings
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new SessError('store_unavailable', `the ${store.name} cache did not answer within ${timeoutMs} ms`))
        }, timeoutMs)
      })
      return await Promise.race([ask(), late])
    } catch (error) {
      onError(error)
      return otherwise
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Whether something takes an entry's place. Nothing takes that of a tombstone. */
function movesOn({ record: old }: Entry, next: AnyRecord | undefined): boolean {
  if (!old) return false
  if (!next || next.revision > old.revision) return true
  return next.revision === old.revision && next.expiresAt > old.expiresAt
}
