/**
 * What went wrong:
 *
 * - `invalid_option`: an option or argument is wrong; the message names it.
 * - `configuration`: this process lacks something that a stored record needs (a newer version of core or of the schema, a
 *   serializer, a key of a seal, a pepper), or the store is not set up (no table, no rights). Nothing was written.
 * - `store_unavailable`: the store did not answer, or refused; nothing was written.
 * - `unknown_outcome`: a write was sent and its answer never came; the write may or may not have been applied.
 * - `conflict`: other requests kept changing the same session; or the same key, with `onConflict: 'throw'`.
 * - `too_large`: the session is larger than the store accepts; nothing was written.
 * - `unserializable`: the serializer cannot bring a value back equal; the message names its path.
 * - `invalid_data`: the data does not fit the schema.
 * - `unsupported`: the store does not have this operation.
 * - `not_fresh`: `requireFresh` found no sign-in, or a sign-in that was too long ago.
 * - `session_destroyed`: the session object was used after `destroy()`.
 * - `response_started`: the operation must set a cookie, and the head of the response has left.
 * - `store_full`: the store has no room; nothing was written.
 * - `too_many_sessions`: the user has `maxPerSubject` sessions; nothing was written.
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

/** The HTTP status of each code: the value of `error.status`. */
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

/** The symbol is registered, so that two copies of core in one process recognise each other's errors. */
const BRAND = Symbol.for('@sess/core/error')

/** Options of {@link SessError}. */
export interface SessErrorOptions {
  /** The error of the store, the driver or the schema. Its text must not be in the message. */
  readonly cause?: unknown
  /** The handle of the session, if the error is about a session. */
  readonly handle?: string | undefined
}

/**
 * The error type of all @sess packages. Test for it by {@link isSessError}, not by `instanceof`: npm may install a second copy of
 * core.
 *
 * The default error pages of web frameworks show the message. So the message holds no secret, no handle, no text of a driver, and
 * no data, except names that the developer chose. `cause` and `handle` are for logs.
 */
export class SessError extends Error {
  override readonly name = 'SessError'
  /** What went wrong. */
  readonly code: SessErrorCode
  /** The HTTP status with which Express, Koa and others answer by default. */
  readonly status: number
  /** The same number; Fastify and Nest read this property. */
  readonly statusCode: number
  /** Tells Koa and similar frameworks not to show the message to visitors. */
  readonly expose = false
  /** The session's handle, if known. Not enumerable, so that pages that print the fields of an error leave it out. */
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
 * True for an error of @sess, from this or any other copy of core.
 *
 * @param codes - If given, the result is true for these codes only.
 */
export function isSessError<Code extends SessErrorCode = SessErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is SessError & { readonly code: Code } {
  const branded =
    (error as { readonly [BRAND]?: unknown; readonly code?: unknown } | null | undefined)?.[BRAND] === true
  return branded && (codes.length === 0 || codes.includes((error as { readonly code: Code }).code))
}
