/**
 * The contract of a session store.
 *
 * A store keeps records under keys and compares revisions. It knows nothing of cookies, secrets, serializers or
 * timeouts: those are core's. Five methods make a store. Each of the optional methods is a claim: a store has it only if it
 * does what the method says, and the conformance kit holds the store to that.
 *
 * Rules that hold for every method:
 *
 * - `now` is core's clock, in ms since the epoch. A record is *live* while `now < record.expiresAt`. A record that is
 *   not live is missing to every method, even if its bytes are still there. A backend's own TTL is garbage collection
 *   only: set it 60 s late, so that a server clock that runs fast never removes a live record.
 * - Nothing that goes in or comes out may alias what is stored: copy the payload where the backend does not.
 * - A method that cannot know what the backend holds rejects. It never answers "missing" for an outage.
 * - A write that rejects with a {@link SessError} of code `store_unavailable`, `store_full`, `too_large` or
 *   `unsupported` promises that it was not and will not be applied. Any other rejection means that the outcome is
 *   unknown; core then finds out by reading.
 * - Several processes may call at once. Each method is atomic with respect to every other on the same key.
 * - The methods that return an AsyncIterable work in pages. Nothing is done before the first step is asked for. No page
 *   blocks the event loop or the server for more than 20 ms, and other callers may write between two pages. The end of the
 *   iteration, and never a short or empty page, says that nothing is left. Core bounds each step by `storeTimeout`; the
 *   whole takes as long as it takes.
 */
export interface SessionStore {
  /** Short name for messages and reports: `redis`, `sqlite`. */
  readonly name: string

  /** What the methods that are there cannot say. Frozen, and constant for the life of the store. */
  readonly traits: StoreTraits

  /**
   * Reads the live record under a key.
   *
   * @returns The record, or undefined when there is no live one.
   */
  read(key: SessionKey, now: number, options?: ReadOptions): Promise<ExpectedRecord | undefined>

  /**
   * Stores a record where no live one is. An expired record in the way is replaced.
   *
   * @returns False when a live record is there; it is left as it is.
   */
  create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean>

  /**
   * Replaces a live record if its revision is still `expected.revision`: compare-and-set. Payload, revision and
   * `expiresAt` change together; the subject stays (`next.subject` is `expected.subject`). Never creates.
   *
   * @param expected - The record as this store returned it, or as it was last written through this store. A store
   *   whose backend has a token of its own may remember that token with the object (a WeakMap) and save a round trip.
   * @returns `conflict` when a live record with another revision is there; `missing` when none is.
   */
  replace(
    key: SessionKey,
    expected: ExpectedRecord,
    next: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'>

  /**
   * Moves the expiry of a live record later, and changes nothing else: not the revision, so that a touch is no
   * conflict for a `replace` in flight. A time that is not later than the stored one answers `touched` and changes
   * nothing.
   *
   * @returns `conflict` when a live record with another revision than `expected.revision` is there; `missing` when
   *   none is.
   */
  touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'>

  /**
   * Deletes whatever is under the key, without asking. Idempotent. Once acknowledged, nothing that was sent earlier
   * may bring the record back.
   *
   * @returns True only if a live record went.
   */
  delete(key: SessionKey, now: number): Promise<boolean>

  /** Lists the live records of one subject. A record that is there all the time is listed once. */
  list?(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]>

  /**
   * Lists every live record, anonymous ones and markers too: for operators. A record that is there all the time is listed
   * once, unless the backend itself moves its records about.
   */
  all?(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]>

  /**
   * Deletes every record of one subject that is there at the start, `except` apart.
   *
   * @returns For each page, how many live records went; undefined where the store cannot tell.
   */
  deleteSubject?(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number | undefined>

  /** Counts the live records. @returns For each page, how many live records were in it. */
  count?(now: number): AsyncIterable<number>

  /**
   * Removes the records that ended 60 s ago or earlier, by `now` and by the store's own clock as well: so a process whose clock
   * is a day ahead deletes nobody's session. There where the backend does not remove expired records itself. Safe to run in
   * parallel.
   *
   * @returns For each page, how many records were removed. At the end none is left, apart from those that another sweep is
   *   removing at the moment.
   */
  sweep?(now: number): AsyncIterable<number>

  /**
   * Releases what the store itself opened, never the client that it was given. Idempotent. Later calls of any other
   * method reject with `store_unavailable`.
   */
  close?(): Promise<void>
}

/** Options of {@link SessionStore.read}. */
export interface ReadOptions {
  /** Answer from the origin, past any cache. Core asks so after a conflict. Default: false. */
  readonly fresh?: boolean
}

/** Where a record is kept. Both parts together are the *handle*: it names a session and is no credential. */
export interface SessionKey {
  /** 12 base64url characters: the part that shards. The same for all sessions of one subject. */
  readonly tag: string
  /** 16 base64url characters; stays for the life of the session, whatever happens to its secret. */
  readonly id: string
}

/** What a store keeps, as it is given to the store. */
export interface SessionRecord {
  /** Stored as given: 1 when created, `expected.revision + 1` when replaced. */
  readonly revision: number
  /** When the record stops being live, in ms since the epoch. Part of what is stored. */
  readonly expiresAt: number
  /** Whose session it is. Any characters, 1 to 1,024 bytes of UTF-8. Absent for an anonymous one. Never changes. */
  readonly subject?: string
  /** Core's envelope: opaque to the store. */
  readonly payload: Uint8Array
  /** Never there. It keeps an {@link ExpectedRecord} from being taken for a new record. */
  readonly expected?: never
}

/**
 * A record that is known to be stored: what `replace` and `touch` expect. `read` returns it. At run time it is the same as a
 * {@link SessionRecord}; for the compiler neither is the other, so that swapped arguments do not compile. A copy,
 * `{ ...record, revision: 2 }`, is a `SessionRecord` again. `asExpected` of `@sess/core/adapter` makes one of a record that
 * was just written.
 */
export declare class ExpectedRecord {
  readonly revision: number
  readonly expiresAt: number
  readonly subject?: string
  readonly payload: Uint8Array
  private constructor()
  private readonly expected: never
}

/** A record, be it one that is known to be stored or not: for what only looks at its properties. */
export type AnyRecord = SessionRecord | ExpectedRecord

/** A record that was just written, as what the next write expects. It is the same object. */
export function asExpected(record: AnyRecord): ExpectedRecord {
  return record as ExpectedRecord
}

/** A subject and the tag that its sessions share. Two subjects may share a tag; a store matches both. */
export interface Subject {
  readonly id: string
  readonly tag: string
}

/** What the methods of a store cannot say. The conformance kit probes each claim from both sides. */
export interface StoreTraits {
  /** The largest payload, in bytes. A larger one is refused with `too_large` before anything is sent. */
  readonly maxPayloadBytes: number
  /** How exactly expiry is kept, in ms: 1 unless the backend cannot. A life is never rounded longer. */
  readonly expiryResolutionMs: number
  /** True where the tag alone decides on which shard a record lies. Core then insists on a pepper. */
  readonly needsPepper: boolean
  /** How long a cache in front may answer late, in ms. 0 where there is none. */
  readonly staleMs: number
}
