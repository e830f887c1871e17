import type { Duration } from './api.ts'
import { milliseconds } from './duration.ts'
import { checkOptions, invalid } from './option-check.ts'

/** Lifetimes in ms; an idle timeout of 0 does not slide. */
export interface Lifetimes {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
}

/** The lifetimes of sessions that nobody signed in to. Left out: those of `createSessions`. */
export interface AnonymousOptions {
  /** How long such a session lives without use; `false`: it does not slide. */
  readonly idleTimeout?: Duration | false
  /** How long it lives at most. */
  readonly absoluteTimeout?: Duration
}

/**
 * The lifetimes of options, with these defaults.
 *
 * @param of - Goes before the options' names in messages.
 * @throws {SessError} `invalid_option`.
 */
export function lifetimesOf(options: AnonymousOptions, defaults: Lifetimes, of = ''): Lifetimes {
  const { idleTimeout: idle, absoluteTimeout: absolute } = options
  const absoluteTimeout =
    absolute === undefined ? defaults.absoluteTimeout : milliseconds(absolute, `${of}absoluteTimeout`)
  if (idle === false) return { idleTimeout: 0, absoluteTimeout }
  // A default must not stand in the way of a shorter absolute timeout.
  if (idle === undefined) return { idleTimeout: Math.min(defaults.idleTimeout, absoluteTimeout), absoluteTimeout }
  const idleTimeout = milliseconds(idle, `${of}idleTimeout`)
  if (idleTimeout > absoluteTimeout) throw invalid(`${of}idleTimeout`, `is longer than ${of}absoluteTimeout`)
  return { idleTimeout, absoluteTimeout }
}

/** The lifetimes of sessions that nobody signed in to. @throws {SessError} `invalid_option`. */
export function anonymousLifetimesOf(options: AnonymousOptions | undefined, defaults: Lifetimes): Lifetimes {
  checkOptions(options, 'anonymous', { idleTimeout: true, absoluteTimeout: true })
  return lifetimesOf(options ?? {}, defaults, 'anonymous.')
}
