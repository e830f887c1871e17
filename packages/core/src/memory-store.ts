import { defineStore, GRACE_MS, type StoreImplementation } from './define-store.ts'
import { SessError } from './error.ts'
import { ExpiryHeap } from './expiry-heap.ts'
import { checkOptions, invalid } from './option-check.ts'
import type { ExpectedRecord, SessionKey, SessionRecord, SessionStore, Subject } from './store.ts'
import { handleOf, parseHandle } from './token.ts'

/** The most expired records that one create removes: more than it adds, and few enough to avoid a long pause. */
const DROPPED_AT_CREATE = 16

/** How many records one page visits. */
const PAGE = 500

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The most live records that the store holds. Default: 100,000. */
  readonly maxRecords?: number
  /** The largest payload, in bytes. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

/**
 * Makes a store in the memory of this process: for tests, development, and apps of one process that may lose their sessions.
 *
 * The store is bounded. When it is full, `create` throws `store_full`; it never drops live records to make room. Each create and
 * `sweep` remove records that expired a minute ago, and a create in a full store also those that have expired since. Anonymous
 * sessions cannot use the last tenth of the room, so that a flood of visitors does not prevent sign-ins. The store has no timer, so
 * it keeps no process alive.
 *
 * @throws {SessError} `invalid_option` if an option is not a whole number above 0.
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  checkOptions(options, 'memoryStore()', { maxRecords: true, maxPayloadBytes: true })
  const { maxRecords = 100_000, maxPayloadBytes = 1_048_576 } = options
  for (const [name, value] of Object.entries({ maxRecords, maxPayloadBytes }))
    if (!Number.isInteger(value) || value < 1) throw invalid(name, 'must be a whole number above 0')
  return defineStore(new MemoryStore(maxRecords, maxPayloadBytes))
}

class MemoryStore implements StoreImplementation {
  readonly name = 'memory'
  readonly traits: StoreImplementation['traits']
  readonly #maxRecords: number
  readonly #records = new Map<string, SessionRecord>()
  readonly #subjects = new Map<string, Set<string>>()
  /** Holds each key at least once, under its expiry or an earlier time. */
  #expiry = new ExpiryHeap()

  constructor(maxRecords: number, maxPayloadBytes: number) {
    this.#maxRecords = maxRecords
    this.traits = { maxPayloadBytes }
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const record = this.#live(handleOf(key), now)
    return record && copied(record)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const handle = handleOf(key)
    if (this.#live(handle, now)) return false
    // A record that has expired by one clock may be live by a slower one, so a create goes by both clocks, as a sweep does.
    this.#drop(Math.min(now, Date.now()) - GRACE_MS, DROPPED_AT_CREATE)
    this.#remove(handle)
    // Anonymous sessions, which any visitor can make, must not prevent sign-ins.
    const room = record.subject === undefined ? this.#maxRecords - Math.floor(this.#maxRecords / 10) : this.#maxRecords
    if (this.#records.size >= room) this.#drop(now, DROPPED_AT_CREATE)
    if (this.#records.size >= room)
      throw new SessError(
        'store_full',
        `the memory store is full: it holds ${room} live sessions, and maxRecords is ${this.#maxRecords}; nothing was written. Raise maxRecords, or use another store`,
      )
    this.#records.set(handle, copied(record))
    this.#expect(record.expiresAt, handle)
    if (record.subject !== undefined) {
      const handles = this.#subjects.get(record.subject) ?? new Set()
      this.#subjects.set(record.subject, handles.add(handle))
    }
    return true
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const handle = handleOf(key)
    const live = this.#live(handle, now)
    if (!live) return 'missing'
    if (live.revision !== expected.revision) return 'conflict'
    this.#records.set(handle, copied(record))
    if (record.expiresAt < live.expiresAt) this.#expect(record.expiresAt, handle)
    return 'replaced'
  }

  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const handle = handleOf(key)
    const live = this.#live(handle, now)
    if (!live) return 'missing'
    if (live.revision !== expected.revision) return 'conflict'
    if (expiresAt > live.expiresAt) this.#records.set(handle, { ...live, expiresAt })
    return 'touched'
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    const handle = handleOf(key)
    const live = this.#live(handle, now) !== undefined
    this.#remove(handle)
    return live
  }

  async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const handle of this.#handlesOf(subject)) {
      const record = this.#live(handle, now)
      if (record) yield [parseHandle(handle)!, copied(record)]
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const handle of this.#records.keys()) {
      const record = this.#live(handle, now)
      if (record) yield [parseHandle(handle)!, copied(record)]
    }
  }

  async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except && handleOf(except)
    let [seen, count] = [0, 0]
    for (const handle of this.#handlesOf(subject)) {
      if (handle !== spared) {
        if (this.#live(handle, now)) count++
        this.#remove(handle)
      }
      if (++seen % PAGE) continue
      yield count
      count = 0
    }
    yield count
  }

  async *count(now: number): AsyncIterable<number> {
    let [seen, count] = [0, 0]
    for (const { expiresAt } of this.#records.values()) {
      if (now < expiresAt) count++
      if (++seen % PAGE) continue
      yield count
      count = 0
    }
    yield count
  }

  async *sweep(until: number): AsyncIterable<number> {
    for (let swept; (swept = this.#drop(until, PAGE));) yield swept
  }

  async close(): Promise<void> {
    this.#records.clear()
    this.#subjects.clear()
    this.#expiry = new ExpiryHeap()
  }

  #live(handle: string, now: number): SessionRecord | undefined {
    const record = this.#records.get(handle)
    return record && now < record.expiresAt ? record : undefined
  }

  /** The handles that exist at the start. New handles come after these in the set, and are not visited. The caller may remove handles. */
  *#handlesOf({ id, tag }: Subject): Generator<string, void> {
    const handles = this.#subjects.get(id) ?? new Set()
    let left = handles.size
    for (const handle of handles) {
      if (left-- === 0) return
      if (handle.startsWith(tag)) yield handle
    }
  }

  /** Removes up to `limit` expired records. */
  #drop(now: number, limit: number): number {
    let count = 0
    for (let { first } = this.#expiry; first && first.at <= now && count < limit; first = this.#expiry.first) {
      this.#expiry.pop()
      const record = this.#records.get(first.key)
      if (!record) continue
      if (now < record.expiresAt) {
        this.#expiry.push(record.expiresAt, first.key)
        continue
      }
      this.#remove(first.key)
      count++
    }
    return count
  }

  /**
   * Adds a stored record to the heap. Deleted and shortened records leave an entry in the heap, so the heap is built again before
   * most of its entries are such.
   */
  #expect(at: number, handle: string): void {
    this.#expiry.push(at, handle)
    if (this.#expiry.size <= 2 * this.#records.size + 64) return
    this.#expiry = new ExpiryHeap()
    for (const [handle, { expiresAt }] of this.#records) this.#expiry.push(expiresAt, handle)
  }

  #remove(handle: string): void {
    const subject = this.#records.get(handle)?.subject
    this.#records.delete(handle)
    if (subject === undefined) return
    const handles = this.#subjects.get(subject)
    handles?.delete(handle)
    if (handles?.size === 0) this.#subjects.delete(subject)
  }
}

function copied(record: SessionRecord): SessionRecord {
  // Not slice(): Buffer.slice() shares its bytes.
  return { ...record, payload: new Uint8Array(record.payload) }
}
