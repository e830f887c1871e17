import type { Duration } from './duration.ts'
import type { AnonymousOptions } from './lifetimes.ts'
import type { DataSchema } from './schema.ts'
import type { Seal, Serializer, SerializerOption } from './serializer.ts'
import type { SessionStore } from './store.ts'

/** Options of `createSessions`, without `serializer` and `schema`. */
export interface BaseOptions {
  /** The store that keeps the sessions. */
  readonly store: SessionStore
  /** A session ends after this time without use; `false`: it has no idle timeout. At most `absoluteTimeout`. Default: `'30m'`. */
  readonly idleTimeout?: Duration | false
  /** A session ends after this time, however much it is used. Default: `'12h'`. */
  readonly absoluteTimeout?: Duration
  /** The timeouts of sessions without a user. Shorter ones limit what visitors and robots leave in the store. Default: the two above. */
  readonly anonymous?: AnonymousOptions
  /**
   * How many sessions a user may have. A login beyond the limit throws `too_many_sessions`, and writes nothing. Each login first
   * lists the user's sessions: one more round trip. Logins at the same time do not see each other, so together they may exceed
   * the limit. A whole number above 0. Default: no limit.
   */
  readonly maxPerSubject?: number
  /**
   * A commit without changes touches the session only if this moves its expiry by at least this time. So an idle session may end
   * earlier by this time. 0: each commit touches. Default: a tenth of the idle timeout.
   */
  readonly touchAfter?: Duration
  /** The cookie has Max-Age. False: the browser drops the cookie when it closes. Default: true. */
  readonly persistent?: boolean
  /** Encrypts what the store keeps. Default: none. */
  readonly seal?: Seal
  /** The version of the data, stored with each record. Loading a record of a newer version rejects. A whole number. Default: 0. */
  readonly schemaVersion?: number
  /** Turns data of an older schema version into data of this version. */
  readonly migrate?: (data: Record<string, unknown>, fromVersion: number) => Record<string, unknown>
  /**
   * The key of the hash that turns a subject into a tag: at least 16 bytes. Required if `store.traits.needsPepper`. To change the
   * pepper, pass a list, newest first: new sessions use the first, and sessions under the others are still found; `false` stands
   * for sessions that were made without a pepper. Loading a signed-in session under any other pepper rejects with
   * `configuration`. An explicit `undefined` (an unset variable) is refused. Default: none, a hash without a key.
   */
  readonly pepper?: string | Uint8Array | readonly (string | Uint8Array | false)[]
  /**
   * Sessions that were created before this time have ended: "sign everybody out". In ms since the epoch, or a Date. A time in
   * the future takes effect at that time. Default: none.
   */
  readonly notBefore?: number | Date
  /**
   * What happens when two requests changed the same top-level key. A function returns the value to store; `undefined`
   * deletes the key. Default: `'last-writer-wins'`.
   */
  readonly onConflict?: 'last-writer-wins' | 'throw' | ((conflict: KeyConflict) => unknown)
  /** The longest that one call of the store may take; at most 10 s. Default: `'5s'`. */
  readonly storeTimeout?: Duration
  /**
   * How often this process removes expired records from a store that does not remove them itself; at most 24 days. The first
   * sweep comes a random part of this time after this process created its first session; `sessions.close()` ends the timer. A
   * failure is an `error` event. `false`: you call `sessions.sweep()`. Default: `'10m'`.
   */
  readonly sweepEvery?: Duration | false
  /** Returns the time in ms since the epoch. For tests. Default: `Date.now`. */
  readonly clock?: () => number
  /**
   * Called with a line of text for each cookie that was not accepted; `false`: no log. Default: `console.warn`, and no log if
   * `NODE_ENV` is `production` or `test`.
   */
  readonly log?: false | ((line: string) => void)
}

/** Options of `createSessions` for data of the type `Data`. */
export type SessionsOptions<Data extends object = Record<string, unknown>> = BaseOptions & SerializerOption<Data>

/** A top-level key that two requests changed. A value is undefined where the key was absent or was deleted. */
export interface KeyConflict {
  readonly key: string
  /** The value that this request loaded. */
  readonly base: unknown
  /** The value that the other request stored. */
  readonly theirs: unknown
  /** The value that this request wants to store. */
  readonly mine: unknown
}

/** Options for data of any type. */
export type AnyOptions = BaseOptions & {
  readonly serializer?: Serializer | readonly Serializer[]
  readonly schema?: DataSchema<object>
}
