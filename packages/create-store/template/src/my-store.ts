import type { ExpectedRecord, SessionKey, SessionRecord, SessionStore, StoreTraits } from '@sess/core/adapter'

/** What the store needs of the driver's client: name the methods that it calls, and no more. */
export type MyStoreClient = object

/** Options of {@link myStore}. */
export interface MyStoreOptions {
  /** Put before every key, so that one database can hold the sessions of several apps. Default: `sess:`. */
  readonly prefix?: string
}

/**
 * Sessions in …
 *
 * @param client - Yours to make and to close.
 */
export function myStore(client: MyStoreClient, { prefix = 'sess:' }: MyStoreOptions = {}): SessionStore {
  return new MyStore(client, prefix)
}

class MyStore implements SessionStore {
  readonly name = 'my'
  /** What the store claims. The kit holds it to that from both sides: to claim less than it does fails, too. */
  readonly traits: StoreTraits = Object.freeze<StoreTraits>({
    maxPayloadBytes: 1_048_576,
    expiryResolutionMs: 1,
    needsPepper: false, // true where key.tag alone decides on which shard a record lies
    staleMs: 0,
  })
  readonly #client: MyStoreClient
  readonly #prefix: string

  constructor(client: MyStoreClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  /** The record, while `now < record.expiresAt`. Not a view of the driver's buffer: a copy. An outage rejects. */
  async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    throw notWritten('read')
  }

  /** Stores the record where no live one is: of two calls at once, one answers true. An expired one makes room. */
  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    throw notWritten('create')
  }

  /** Payload, revision and expiry at once, if the stored revision is still `expected.revision`. Never creates. */
  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    throw notWritten('replace')
  }

  /** The expiry alone, and only to a later time; an earlier one answers `touched` and changes nothing. */
  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    throw notWritten('touch')
  }

  /** Whatever is there, whatever its revision. True if that was a live record. */
  async delete(key: SessionKey, now: number): Promise<boolean> {
    throw notWritten('delete')
  }
}

function notWritten(method: string): Error {
  return new Error(`${method}() is not written yet: see src/my-store.ts`)
}
