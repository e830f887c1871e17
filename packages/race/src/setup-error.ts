/**
 * Why a run could not be judged, as a closed union:
 *
 * - `bad_option`: an option cannot be used; the message names it.
 * - `not_loopback`: a server is not on this machine, and remote ones were not allowed.
 * - `unreachable`: a server does not answer.
 * - `csrf_not_found`: the page did not hold the token.
 * - `login_failed`: after the login, the app does not show who is signed in.
 * - `write_failed`: a write was refused, or what it wrote is not shown.
 * - `same_key`: a write replaced what another had written.
 * - `not_shared`: what one server wrote, another does not show.
 * - `not_per_session`: one browser is shown what belongs to another.
 * - `no_cookie`: no cookie makes the session.
 * - `logout_failed`: after the logout, the browser still has what it had.
 */
export type SetupErrorCode =
  | 'bad_option'
  | 'not_loopback'
  | 'unreachable'
  | 'csrf_not_found'
  | 'login_failed'
  | 'write_failed'
  | 'same_key'
  | 'not_shared'
  | 'not_per_session'
  | 'no_cookie'
  | 'logout_failed'

/** The run could not be judged. The message says what was seen and what to repair; it never holds a cookie value. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
  readonly code: SetupErrorCode

  constructor(code: SetupErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
