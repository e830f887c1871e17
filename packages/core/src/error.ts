/**
 * What went wrong, as a closed union:
 *
 * - `invalid_option`: an option or argument is not usable; the message names it.
 * - `configuration`: stored bytes need something that this process was not given (a newer format or schema, another
 *   serializer, a sealing key), or the store is not set up (no such table, no rights). Nothing was written.
 * - `store_unavailable`: the store could not be asked, or refused; nothing was written.
 * - `unknown_outcome`: a write was sent and its answer never came; it may or may not have been applied.
 * - `conflict`: other writers kept changing the same session, or the same key with `onConflict: 'throw'`.
 * - `too_large`: the session is larger than the store takes; nothing was written.
 * - `unserializable`: a value cannot be brought back equal by the serializer; the message names its path.
 * - `invalid_data`: the data does not match the schema.
 * - `unsupported`: the store has no such operation.
 * - `not_fresh`: `requireFresh` found no sign-in, or one too long ago.
 * - `session_destroyed`: the session object was used after `destroy()`.
 * - `response_started`: a cookie would have to be set, and the response's headers have left.
 * - `store_full`: a bounded store has no room; nothing was written.
 * - `too_many_sessions`: a sign-in past `maxPerSubject`; nothing was written.
 */
export type SessErrorCode =
  | 'invalid_option'
  | 'configuration'
  | 'store_unavailable'
  | 'unknown_outcome'
  | 'conflict'
  | 'too_large'
  | 'unserializable'
  | 'invalid_data'
  | 'unsupported'
  | 'not_fresh'
  | 'session_destroyed'
  | 'response_started'
  | 'store_full'
  | 'too_many_sessions'

/** The HTTP status of each code, as `error.status` says it. */
const STATUS: Readonly<Record<SessErrorCode, number>> = {
  not_fresh: 401,
  conflict: 409,
  too_many_sessions: 409,
  too_large: 413,
  store_unavailable: 503,
  unknown_outcome: 503,
  store_full: 503,
  invalid_option: 500,
  configuration: 500,
  unserializable: 500,
  invalid_data: 500,
  unsupported: 500,
  session_destroyed: 500,
  response_started: 500,
}

/** Registered, so that of two copies of core in one process each knows the other's errors. */
const BRAND = Symbol.for('@sess/core/error')

/** Options of {@link SessError}. */
export interface SessErrorOptions {
  /** What the store, the driver or the schema said: their words belong here, and not into the message. */
  readonly cause?: unknown
  /** Of the session that the error is about. */
  readonly handle?: string | undefined
}

/**
 * The one error type of @sess. Know it by {@link isSessError}, not by `instanceof`: npm may install a second copy of core.
 *
 * The default error pages of web frameworks print a message; so it holds no secret, no handle, no word of a driver, and no
 * data, apart from names that the developer chose. What is for logs alone is in `cause` and `handle`.
 */
export class SessError extends Error {
  override readonly name = 'SessError'
  /** What went wrong. */
  readonly code: SessErrorCode
  /** The HTTP status that Express, Koa and others answer with, if the application does not decide otherwise. */
  readonly status: number
  /** The same, as Fastify and Nest read it. */
  readonly statusCode: number
  /** For Koa and what is like it: the message is not for visitors. */
  readonly expose = false
  /** The session's handle, where one is known. Not enumerable: what prints an error's fields for visitors leaves it out. */
  declare readonly handle: string | undefined

  constructor(code: SessErrorCode, message: string, { cause, handle }: SessErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = this.statusCode = STATUS[code] ?? 500
    Object.defineProperty(this, 'handle', { value: handle })
  }
}
Object.defineProperty(SessError.prototype, BRAND, { value: true })

/**
 * True for an error of @sess, of whatever copy of core.
 *
 * @param codes - If there are any: true for these alone.
 */
export function isSessError<Code extends SessErrorCode = SessErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is SessError & { readonly code: Code } {
  const branded =
    (error as { readonly [BRAND]?: unknown; readonly code?: unknown } | null | undefined)?.[BRAND] === true
  return branded && (codes.length === 0 || codes.includes((error as { readonly code: Code }).code))
}
