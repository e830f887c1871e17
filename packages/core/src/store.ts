/**
 * The contract of a session store.
 *
 * A store keeps records under keys and compares revisions. It knows nothing of cookies, secrets, serializers or
 * timeouts; these belong to core. A store has five methods. Each optional method is a claim: a store has the method only if it
 * does what its description says, and the conformance kit tests this.
 *
 * Rules for every method:
 *
 * - `now` is the time of core's clock, in ms since the epoch. A record is *live* while `now < record.expiresAt`. For every
 *   method, a record that is not live is missing, even if its bytes are still stored. Use a backend's own TTL only to remove
 *   dead records, and set it 60 s later, so that a fast server clock never removes a live record.
 * - Arguments and results must not share memory with stored records: copy the payload if the backend does not.
 * - A method that cannot find out what the backend holds must reject. It must not answer "missing" in an outage.
 * - If a write rejects with a {@link SessError} of code `store_unavailable`, `store_full`, `too_large` or
 *   `unsupported`, it promises that the write was not and will not be applied. Any other rejection means that the outcome is
 *   unknown; core then reads the record to find out.
 * - Several processes may call at the same time. On one key, each method is atomic with respect to all others.
 * - The methods that return an AsyncIterable work in pages. They do nothing before the caller asks for the first page. No page
 *   blocks the event loop or the server for more than 20 ms, and other callers may write between two pages. Only the end of the
 *   iteration means that nothing is left; a short or empty page does not. Core bounds each page by `storeTimeout`, and does not
 *   bound the whole iteration.
 */
export interface SessionStore {
  /** Short name for messages and reports: `redis`, `sqlite`. */
  readonly name: string

  /** Facts about the store that its methods cannot express. Frozen, and constant for the life of the store. */
  readonly traits: StoreTraits

  /**
   * Reads the live record under a key.
   *
   * @returns The record; undefined if there is no live record.
   */
  read(key: SessionKey, now: number, options?: ReadOptions): Promise<ExpectedRecord | undefined>

  /**
   * Stores a record if there is no live record under the key. It replaces an expired record.
   *
   * @returns False if there is a live record; this record stays as it is.
   */
  create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean>

  /**
   * Replaces a live record if its revision is still `expected.revision`: compare-and-set. Payload, revision and
   * `expiresAt` change atomically; the subject stays (`next.subject` is `expected.subject`). It never creates a record.
   *
   * @param expected - The record as this store returned it, or as it was last written through this store. If the backend has
   *   a token of its own for compare-and-set, the store may keep the token for this object (in a WeakMap) and save a round trip.
   * @returns `conflict` if there is a live record with another revision; `missing` if there is no live record.
   */
  replace(
    key: SessionKey,
    expected: ExpectedRecord,
    next: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'>

  /**
   * Moves the expiry of a live record to a later time, and changes nothing else. The revision stays, so that a touch does not
   * conflict with a `replace` in flight. If `expiresAt` is not later than the stored time, the answer is `touched` and nothing
   * changes.
   *
   * @returns `conflict` if there is a live record with another revision than `expected.revision`; `missing` if there is no
   *   live record.
   */
  touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'>

  /**
   * Deletes the record under the key, whatever its revision. Idempotent. Once the delete is acknowledged, no write that was
   * sent earlier may bring the record back.
   *
   * @returns True only if it deleted a live record.
   */
  delete(key: SessionKey, now: number): Promise<boolean>

  /** Lists the live records of one subject. A record that exists during the whole iteration is listed once. */
  list?(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]>

  /**
   * Lists every live record, anonymous sessions and markers included: for operators. A record that exists during the whole
   * iteration is listed once, unless the backend itself moves its records.
   */
  all?(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]>

  /**
   * Deletes every record of one subject that exists at the start, except the record under `except`.
   *
   * @returns For each page, how many live records it deleted; undefined if the store cannot tell.
   */
  deleteSubject?(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number | undefined>

  /** Counts the live records. @returns For each page, how many live records were in it. */
  count?(now: number): AsyncIterable<number>

  /**
   * Removes the records that ended 60 s ago or earlier, both by `now` and by the store's own clock: so a process whose clock
   * is a day ahead deletes no live session. A store has this method only if its backend does not remove expired records itself.
   * Safe to run in parallel.
   *
   * @returns For each page, how many records it removed. At the end no such record is left, except those that another sweep is
   *   removing at the same time.
   */
  sweep?(now: number): AsyncIterable<number>

  /**
   * Releases what the store itself opened. It must not close a client that was passed to the store. Idempotent. Later calls of
   * any other method reject with `store_unavailable`.
   */
  close?(): Promise<void>
}

/** Options of {@link SessionStore.read}. */
export interface ReadOptions {
  /** Read from the origin, and not from a cache. Core sets it after a conflict. Default: false. */
  readonly fresh?: boolean
}

/** The key of a record. Both parts together are the *handle*, which names a session and is no credential. */
export interface SessionKey {
  /** 12 base64url characters, the same for all sessions of one subject. The part of the key that decides on the shard. */
  readonly tag: string
  /** 16 base64url characters. They stay the same for the life of the session, even when its secret changes. */
  readonly id: string
}

/** A record, as core passes it to a store. */
export interface SessionRecord {
  /** A number that core sets and the store keeps: 1 when created, `expected.revision + 1` when replaced. */
  readonly revision: number
  /** When the record stops being live, in ms since the epoch. The store keeps it with the record. */
  readonly expiresAt: number
  /** The user's ID: any characters, 1 to 1,024 bytes of UTF-8. Absent for an anonymous session. Never changes. */
  readonly subject?: string
  /** Bytes that only core understands. */
  readonly payload: Uint8Array
  /** Never present. It makes the compiler refuse an {@link ExpectedRecord} as a new record. */
  readonly expected?: never
}

/**
 * A record that is known to be stored: the result of `read`, and the argument `expected` of `replace` and `touch`. At run time
 * it is the same as a {@link SessionRecord}; for the compiler the two types differ, so that swapped arguments do not compile. A
 * copy, `{ ...record, revision: 2 }`, is a `SessionRecord`. `asExpected` of `@sess/core/adapter` turns a record that was just
 * written into an `ExpectedRecord`.
 */
export declare class ExpectedRecord {
  readonly revision: number
  readonly expiresAt: number
  readonly subject?: string
  readonly payload: Uint8Array
  private constructor()
  private readonly expected: never
}

/** A record of either type: for code that only reads its properties. */
export type AnyRecord = SessionRecord | ExpectedRecord

/** Turns a record that was just written into the argument `expected` of the next write. Returns the same object. */
export function asExpected(record: AnyRecord): ExpectedRecord {
  return record as ExpectedRecord
}

/** A subject and the tag that its sessions share. Two subjects may share a tag; a store matches both. */
export interface Subject {
  readonly id: string
  readonly tag: string
}

/** Facts about a store that its methods cannot express. The conformance kit fails a store that claims too much or too little. */
export interface StoreTraits {
  /** The largest payload, in bytes. The store refuses a larger one with `too_large` before it sends anything. */
  readonly maxPayloadBytes: number
  /** The resolution of the expiry, in ms: 1 unless the backend is coarser. Rounding must never lengthen a life. */
  readonly expiryResolutionMs: number
  /** True if the tag alone decides on the shard of a record. Core then requires a pepper. */
  readonly needsPepper: boolean
  /** How old the answer of a cache may be, in ms. 0 without a cache. */
  readonly staleMs: number
}
