import {
  isSound,
  SessError,
  type AnyRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core/adapter'
import { decode, encode, type Entry } from './entry.ts'

/** How often the write of an entry is tried when other processes write first. */
const TRIES = 20

/** Settings of a {@link Cache}. Times are in ms. */
export interface CacheSettings {
  readonly store: SessionStore
  readonly staleMs: number
  readonly timeoutMs: number
  readonly onError: (error: unknown) => void
}

/**
 * Uses a store as a cache. The store may lose entries, be slow or be down; no method of this class rejects.
 *
 * The life of an entry counts from the time at which the origin was asked, so no entry lives longer than `staleMs`, even if it arrives
 * late. An entry only changes to a later revision, a later expiry, or a tombstone. A tombstone stays until no earlier fill can arrive
 * any more.
 */
export class Cache {
  readonly #settings: CacheSettings

  constructor(settings: CacheSettings) {
    this.#settings = settings
  }

  /** Reads an entry; `unknown` if the cache does not answer. */
  async get(key: SessionKey, now: number): Promise<Entry | 'unknown' | undefined> {
    return this.#guarded(() => this.#read(key, now), 'unknown')
  }

  /** Stores a record that the origin returned, unless there is an entry. @param now - When the origin was asked. */
  async fill(key: SessionKey, record: AnyRecord, now: number): Promise<void> {
    await this.#guarded(() => this.#settings.store.create(key, this.#held(record, now, 1), now), false)
  }

  /**
   * Stores the result of a write to the origin.
   *
   * @param record - The record; undefined: a tombstone.
   * @param seen - The entry from which the record was read, if any. It saves a read of the cache.
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
    throw new SessError(
      'conflict',
      `other processes wrote an entry of the ${store.name} cache first, ${TRIES} times; the cache may hold an old record until it expires`,
    )
  }

  async #read(key: SessionKey, now: number): Promise<Entry | undefined> {
    const { store } = this.#settings
    const held = await store.read(key, now)
    if (!held || isSound(held)) return held && decode(held)
    // The entry is damaged, and compare-and-set cannot replace it. The delete may also remove a tombstone that was written in between. A
    // late fill with an old record could follow, but ends within `staleMs`, as every fill does.
    await store.delete(key, now)
    return undefined
  }

  /** The cache's record for a record of the origin. If it does not fit, it is a tombstone, so that the origin is asked. */
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

/** Whether a record, or a tombstone (undefined), may replace an entry. Nothing replaces a tombstone. */
function movesOn({ record: old }: Entry, next: AnyRecord | undefined): boolean {
  if (!old) return false
  if (!next || next.revision > old.revision) return true
  return next.revision === old.revision && next.expiresAt > old.expiresAt
}
