import type { Duration } from './duration.ts'
import { milliseconds } from './duration.ts'
import { checkOptions, invalid } from './option-check.ts'

/** Timeouts in ms. An `idleTimeout` of 0 means that the session has no idle timeout. */
export interface Lifetimes {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
}

/** The timeouts of anonymous sessions. The defaults are the timeouts of `createSessions`. */
export interface AnonymousOptions {
  /** An anonymous session ends after this time without use; `false`: it has no idle timeout. */
  readonly idleTimeout?: Duration | false
  /** An anonymous session ends after this time, however much it is used. */
  readonly absoluteTimeout?: Duration
}

/**
 * Checks the timeouts in options, and adds the defaults.
 *
 * @param of - A prefix for the names of the options in messages.
 * @throws {SessError} `invalid_option`.
 */
export function lifetimesOf(options: AnonymousOptions, defaults: Lifetimes, of = ''): Lifetimes {
  const { idleTimeout: idle, absoluteTimeout: absolute } = options
  const absoluteTimeout =
    absolute === undefined ? defaults.absoluteTimeout : milliseconds(absolute, `${of}absoluteTimeout`)
  if (idle === false) return { idleTimeout: 0, absoluteTimeout }
  // The default idle timeout must not make a shorter absolute timeout an error.
  if (idle === undefined) return { idleTimeout: Math.min(defaults.idleTimeout, absoluteTimeout), absoluteTimeout }
  const idleTimeout = milliseconds(idle, `${of}idleTimeout`)
  if (idleTimeout > absoluteTimeout) throw invalid(`${of}idleTimeout`, `is longer than ${of}absoluteTimeout`)
  return { idleTimeout, absoluteTimeout }
}

/** The timeouts of anonymous sessions. @throws {SessError} `invalid_option`. */
export function anonymousLifetimesOf(options: AnonymousOptions | undefined, defaults: Lifetimes): Lifetimes {
  checkOptions(options, 'anonymous', { idleTimeout: true, absoluteTimeout: true })
  return lifetimesOf(options ?? {}, defaults, 'anonymous.')
}
