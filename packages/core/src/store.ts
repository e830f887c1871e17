/**
 * The contract of a session store.
 *
 * A store keeps records under keys and compares revisions. It knows nothing of cookies, secrets, serializers or
 * timeouts: those are core's. Five methods make a store; the optional ones are claimed in {@link StoreTraits}, and the
 * conformance kit holds a store to its claims.
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
 */
export interface SessionStore {
  /** Short name for messages and reports: `redis`, `sqlite`. */
  readonly name: string

  /** What this store claims. Frozen, and constant for the life of the store. */
  readonly traits: StoreTraits

  /**
   * Reads the live record under a key.
   *
   * @param fresh - True: answer from the origin, past any cache. Core asks so after a conflict.
   * @returns The record, or undefined when there is no live one.
   */
  read(key: SessionKey, now: number, fresh?: boolean): Promise<SessionRecord | undefined>

  /**
   * Stores a record where no live one is. An expired record in the way is replaced.
   *
   * @returns False when a live record is there; it is left as it is.
   */
  create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean>

  /**
   * Replaces a live record if its revision is still `expected.revision`: compare-and-set. Payload, revision and
   * `expiresAt` change together; the subject stays (`record.subject` is `expected.subject`). Never creates.
   *
   * @param expected - The record as this store returned it, or as it was last written through this store. A store
   *   whose backend has a token of its own may remember that token with the object (a WeakMap) and save a round trip.
   * @returns `conflict` when a live record with another revision is there; `missing` when none is.
   */
  replace(
    key: SessionKey,
    record: SessionRecord,
    expected: SessionRecord,
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
    expiresAt: number,
    expected: SessionRecord,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'>

  /**
   * Deletes whatever is under the key, without asking. Idempotent. Once acknowledged, nothing that was sent earlier
   * may bring the record back.
   *
   * @returns True only if a live record went.
   */
  delete(key: SessionKey, now: number): Promise<boolean>

  /** Lists the live records of one subject. Present when `traits.subjects` is `list`. */
  list?(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]>

  /**
   * Deletes every record of one subject, `except` apart. Present unless `traits.subjects` is `none`.
   *
   * @returns How many live records went, or undefined where the store cannot tell.
   */
  deleteSubject?(subject: Subject, now: number, except?: SessionKey): Promise<number | undefined>

  /** Counts the live records. Present when `traits.count` is true. */
  count?(now: number): Promise<number>

  /**
   * Removes up to `limit` expired records. Present when `traits.expiry` is `sweep`. Safe to run in parallel.
   *
   * @returns How many were removed; fewer than `limit` means that none was left.
   */
  sweep?(now: number, limit: number): Promise<number>

  /**
   * Releases what the store itself opened, never the client that it was given. Idempotent. Later calls of any other
   * method reject with `store_unavailable`.
   */
  close?(): Promise<void>
}

/** Where a record is kept. Both parts together are the *handle*: it names a session and is no credential. */
export interface SessionKey {
  /** 12 base64url characters: the part that shards. The same for all sessions of one subject. */
  readonly tag: string
  /** 16 base64url characters; stays for the life of the session, whatever happens to its secret. */
  readonly id: string
}

/** What a store keeps. */
export interface SessionRecord {
  /** Stored as given: 1 when created, `expected.revision + 1` when replaced. */
  readonly revision: number
  /** When the record stops being live, in ms since the epoch. Part of what is stored. */
  readonly expiresAt: number
  /** Whose session it is. Any characters, 1 to 1,024 bytes of UTF-8. Absent for an anonymous one. Never changes. */
  readonly subject?: string
  /** Core's envelope: opaque to the store. */
  readonly payload: Uint8Array
}

/** A subject and the tag that its sessions share. Two subjects may share a tag; a store matches both. */
export interface Subject {
  readonly id: string
  readonly tag: string
}

/** What a store claims. The conformance kit probes each claim from both sides. */
export interface StoreTraits {
  /** The largest payload, in bytes. A larger one is refused with `too_large` before anything is sent. */
  readonly maxPayloadBytes: number
  /** How exactly expiry is kept, in ms: 1 unless the backend cannot. A life is never rounded longer. */
  readonly expiryResolutionMs: number
  /** `list`: list and deleteSubject; `revoke`: deleteSubject alone; `none`: neither. */
  readonly subjects: 'list' | 'revoke' | 'none'
  /** `native`: the backend removes expired records itself; `sweep`: somebody must call sweep. */
  readonly expiry: 'native' | 'sweep'
  /** True where the tag alone decides on which shard a record lies. Core then insists on a pepper. */
  readonly tagIsShard: boolean
  /** How long a cache in front may answer late, in ms. 0 where there is none. */
  readonly staleMs: number
  /** True when the store has `count`. */
  readonly count: boolean
}
