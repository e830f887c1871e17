import { defineStore, type SessionStore } from '@sess/core/adapter'

/** The methods of the driver's client that the store calls. List only these. */
export type MyStoreClient = object

/** Options of {@link myStore}. */
export interface MyStoreOptions {
  /** The start of every key, so that one database can hold the sessions of several apps. Default: `sess:`. */
  readonly prefix?: string
}

/**
 * Makes a store in …
 *
 * @param client - You make it and close it.
 */
export function myStore(client: MyStoreClient, { prefix = 'sess:' }: MyStoreOptions = {}): SessionStore {
  return defineStore({
    name: 'my',
    // Facts that the methods cannot express. The kit fails a store that claims too much or too little.
    traits: {
      maxPayloadBytes: 1_048_576,
      // needsPepper: true, if key.tag alone decides on the shard of a record
    },

    /** Returns the record under the key, as a copy and not as a view of the driver's buffer. Rejects in an outage. */
    async read(key, now, { fresh }) {
      throw notWritten('read')
    },

    /** Stores the record if there is no live record; replaces an expired one. Of two parallel calls, only one answers true. */
    async create(key, record, now) {
      throw notWritten('create')
    },

    /** Replaces payload, revision and expiry atomically, if the stored revision is still `expected.revision`. Never creates a record. */
    async replace(key, expected, next, now) {
      throw notWritten('replace')
    },

    /** Moves only the expiry, and only to a later time. For an earlier time it answers `touched` and changes nothing. */
    async touch(key, expected, expiresAt, now) {
      throw notWritten('touch')
    },

    /** Deletes the record, whatever its revision. True if it deleted a live record. */
    async delete(key, now) {
      throw notWritten('delete')
    },

    // Each optional method is a claim, for which the kit has cases: list, all, deleteSubject, count; and sweep, if the database does not
    // remove expired records itself.
  })
}

function notWritten(method: string): Error {
  return new Error(`${method}() is not written yet: see src/my-store.ts`)
}
