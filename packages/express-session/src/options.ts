import type { Duration, SessionsEvents, SessionsOptions } from '@sess/core'
import type { LegacyStore } from './legacy.ts'

/** Options of `SessStore`. */
export interface SessStoreOptions extends Pick<
  SessionsOptions,
  'store' | 'touchAfter' | 'seal' | 'onConflict' | 'storeTimeout' | 'sweepEvery' | 'clock' | 'log'
> {
  /** How long a session lives without use if its cookie has no expiry of its own. A number is ms. Default: `'1d'`. */
  readonly idleTimeout?: Duration
  /** How long a session lives at most, whatever its cookie says. Default: without end, as express-session has it. */
  readonly absoluteTimeout?: Duration
  /**
   * What a save answers whose session has ended meanwhile. `'ignore'`: nothing, but for the event `gone`. `'throw'`: an
   * error of code `session_destroyed`. With express-session it reaches the app's error handler when the response has left;
   * @fastify/session answers 500, and sets no cookie over that of a sign-in. Default: `'ignore'`.
   */
  readonly onGone?: 'ignore' | 'throw'
  /**
   * What `set` does with an object that was not loaded from here, and whose ID has a session. `'conflict'`: an error of that
   * code. `'replace'`: it takes the session's place whole, for libraries that write objects of their own making over a live
   * ID; then of two requests at once one loses what it wrote, and one that is still running when the session ends
   * writes it back to life. Default: `'conflict'`.
   */
  readonly onUnloaded?: 'conflict' | 'replace'
  /** How many levels data may be nested, up to 1000. Default: 500. */
  readonly maxDepth?: number
  /** The store that was used before: its sessions move over one by one, when their browsers come. Default: none. */
  readonly legacy?: LegacyStore
}

/** The events of a `SessStore`. None carries an ID or data; a handle is no credential. */
export interface SessStoreEvents extends Pick<
  SessionsEvents,
  'created' | 'rejected' | 'conflict' | 'logout' | 'revoked' | 'error'
> {
  /** A session was to be saved that had ended meanwhile: nothing was written. */
  gone: { readonly handle: string }
}
