/**
 * Why a run could not be judged:
 *
 * - `bad_option`: an option is wrong; the message names it.
 * - `not_loopback`: a server is not on this machine, and remote servers were not allowed.
 * - `unreachable`: a server does not answer.
 * - `csrf_not_found`: the page did not contain the token.
 * - `login_failed`: after the login, the app does not show who is signed in.
 * - `write_failed`: a write was refused, or the app does not show it.
 * - `same_key`: a write replaced the value of another write.
 * - `not_shared`: a server does not show a write to another server.
 * - `not_per_session`: the app shows the state of one browser to another.
 * - `no_cookie`: the session does not depend on a cookie.
 * - `logout_failed`: after the logout, the browser still has its session.
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

/** The error of a run that could not be judged. The message says what was seen and what to correct; it never contains a cookie value. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
  readonly code: SetupErrorCode

  constructor(code: SetupErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
