/**
 * What went wrong, as a closed union:
 *
 * - `invalid_option`: an option or argument is not usable; the message names it.
 * - `configuration`: stored bytes need something that this process was not given (a newer format or schema, another
 *   serializer, a sealing key). Nothing was written.
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

/** The one error type of @sess. Its message never holds a secret or a cookie value. */
export class SessError extends Error {
  override readonly name = 'SessError'
  /** What went wrong. */
  readonly code: SessErrorCode

  constructor(code: SessErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
