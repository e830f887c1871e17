import { defineStore, type SessionStore } from '@sess/core/adapter'

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
  return defineStore({
    name: 'my',
    // What the methods cannot say. The kit probes each from both sides: to claim less than the store does fails, too.
    traits: {
      maxPayloadBytes: 1_048_576,
      // needsPepper: true, where key.tag alone decides on which shard a record lies
    },

    /** The record under the key. Not a view of the driver's buffer: a copy. An outage rejects. */
    async read(key, now, { fresh }) {
      throw notWritten('read')
    },

    /** Stores the record where no live one is: of two calls at once, one answers true. An expired one makes room. */
    async create(key, record, now) {
      throw notWritten('create')
    },

    /** Payload, revision and expiry at once, if the stored revision is still `expected.revision`. Never creates. */
    async replace(key, expected, next, now) {
      throw notWritten('replace')
    },

    /** The expiry alone, and only to a later time; an earlier one answers `touched` and changes nothing. */
    async touch(key, expected, expiresAt, now) {
      throw notWritten('touch')
    },

    /** Whatever is there, whatever its revision. True if that was a live record. */
    async delete(key, now) {
      throw notWritten('delete')
    },

    // Each method more is a claim, and the kit has cases for it: list, all, deleteSubject, count, and sweep, where the database
    // does not remove by itself what has expired.
  })
}

function notWritten(method: string): Error {
  return new Error(`${method}() is not written yet: see src/my-store.ts`)
}
