import type { Duration } from './api.ts'
import type { AnonymousOptions } from './lifetimes.ts'
import type { DataSchema } from './schema.ts'
import type { Seal, Serializer, SerializerOption } from './serializer.ts'
import type { SessionStore } from './store.ts'

/** Options of `createSessions`, `serializer` and `schema` apart. */
export interface BaseOptions {
  /** Where sessions are kept. */
  readonly store: SessionStore
  /** How long a session lives without use; `false`: it does not slide. Default: `'30m'`. */
  readonly idleTimeout?: Duration | false
  /** How long a session lives at most. Default: `'12h'`. */
  readonly absoluteTimeout?: Duration
  /** The lifetimes of sessions that nobody signed in to: shorter ones bound what visitors and robots leave in the store. */
  readonly anonymous?: AnonymousOptions
  /**
   * How many sessions a subject may have: a login that would make one more throws `too_many_sessions`, and writes nothing. It
   * lists the subject's sessions first, one more round trip. Logins of one subject at the same time do not see each other: they
   * may exceed it by their number. A whole number above 0. Default: no limit.
   */
  readonly maxPerSubject?: number
  /**
   * The idle clock is moved when it would move by at least this. Default: a tenth of the idle timeout; so an idle
   * session may end up to a tenth early. 0: each commit moves it.
   */
  readonly touchAfter?: Duration
  /** Cookies outlive the browser's window, with Max-Age. False: they go when it closes. Default: true. */
  readonly persistent?: boolean
  /** Encrypts what the store keeps. Default: none. */
  readonly seal?: Seal
  /** Stored with each record; a record of a newer version rejects. A whole number. Default: 0. */
  readonly schemaVersion?: number
  /** Turns data of an older schema version into this one's. */
  readonly migrate?: (data: Record<string, unknown>, fromVersion: number) => Record<string, unknown>
  /**
   * Keys the hash that turns a subject into a tag: at least 16 bytes. Needed where `store.traits.needsPepper`. A list for
   * rotation, newest first: new sessions are made under the first, the others are still known; `false` in it stands for
   * sessions that were made without a pepper. A signed-in session under none of them rejects as `configuration`. An
   * `undefined` that is given (an unset variable) is refused. Default: none, a plain hash.
   */
  readonly pepper?: string | Uint8Array | readonly (string | Uint8Array | false)[]
  /**
   * Sessions that were created before this time have ended: "sign everybody out". In ms since the epoch, or a Date; one to
   * come counts from then on. Default: none.
   */
  readonly notBefore?: number | Date
  /**
   * What happens when two requests changed the same top-level key. A function returns the value to keep; undefined
   * deletes the key. Default: `'last-writer-wins'`.
   */
  readonly onConflict?: 'last-writer-wins' | 'throw' | ((conflict: KeyConflict) => unknown)
  /** How long one call into the store may take; at most 10 s. Default: `'5s'`. */
  readonly storeTimeout?: Duration
  /**
   * How often this process removes expired records, where the store does not by itself; at most 24 days. It begins with the
   * first session that is created here, after a random part of this time, and ends with `sessions.close()`; a failure is an
   * `error` event. `false`: you call `sessions.sweep()`. Default: `'10m'`.
   */
  readonly sweepEvery?: Duration | false
  /** The time in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number
  /**
   * Where rejections are told, one line each; `false`: nowhere. Default: `console.warn`, and nowhere when `NODE_ENV` is
   * `production` or `test`.
   */
  readonly log?: false | ((line: string) => void)
}

/** Options of `createSessions` for data of a type. */
export type SessionsOptions<Data extends object = Record<string, unknown>> = BaseOptions & SerializerOption<Data>

/** A top-level key that two requests changed. A value is undefined where the key was absent or was deleted. */
export interface KeyConflict {
  readonly key: string
  /** As this request loaded it. */
  readonly base: unknown
  /** As the other request left it. */
  readonly theirs: unknown
  /** As this request would have it. */
  readonly mine: unknown
}

/** Options, whatever the type of the data. */
export type AnyOptions = BaseOptions & {
  readonly serializer?: Serializer | readonly Serializer[]
  readonly schema?: DataSchema<object>
}
