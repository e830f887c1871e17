import type { Duration, SessionsEvents, SessionsOptions } from '@sess/core'
import type { LegacyStore } from './legacy.ts'

/** Options of `SessStore`. */
export interface SessStoreOptions extends Pick<
  SessionsOptions,
  'store' | 'touchAfter' | 'seal' | 'onConflict' | 'storeTimeout' | 'sweepEvery' | 'clock' | 'log'
> {
  /** A session ends after this time without use, if its cookie has no expiry. A number is ms. Default: `'1d'`. */
  readonly idleTimeout?: Duration
  /** A session ends after this time, even if its cookie lives longer. Default: no limit, as in express-session. */
  readonly absoluteTimeout?: Duration
  /**
   * The answer to a save of a session that has ended meanwhile. `'ignore'`: success, and the event `gone`. `'throw'`: also an error with
   * the code `session_destroyed`. With express-session the error reaches the app's error handler when the response has left;
   * @fastify/session answers 500, and does not overwrite the cookie of a sign-in. Default: `'ignore'`.
   */
  readonly onGone?: 'ignore' | 'throw'
  /**
   * What `set` does with an object that was not loaded from this store, if its ID has a session. `'conflict'`: it rejects with
   * `conflict`. `'replace'`: the object replaces the whole session, for libraries that save objects of their own under a live ID. Then
   * one of two parallel saves is lost, and a save after the end of the session brings it back. Default: `'conflict'`.
   */
  readonly onUnloaded?: 'conflict' | 'replace'
  /** How many levels data may be nested, up to 1000; deeper data is refused (`unserializable`). Default: 500. */
  readonly maxDepth?: number
  /** The earlier store. Its sessions are moved one by one, when their browsers send a request. Default: none. */
  readonly legacy?: LegacyStore
}

/** The events of a `SessStore`. No event carries an ID or data; a handle is no credential. */
export interface SessStoreEvents extends Pick<
  SessionsEvents,
  'created' | 'rejected' | 'conflict' | 'logout' | 'revoked' | 'error'
> {
  /** A save found that its session had ended meanwhile; nothing was written. */
  gone: { readonly handle: string }
}
