import type { Sessions } from '@sess/core'
import type { CookieOptions } from './cookie-options.ts'
import { sessionCookie } from './session-cookie.ts'

/**
 * For tests: signs a user in without a request, and resolves to a Cookie header for the user's requests, such as `__Host-sid=…`. Each
 * call makes a separate session.
 *
 * The test sends the header itself, so no HTTP client has to store the cookie: clients with a cookie jar silently drop a Secure cookie
 * on `http://127.0.0.1`.
 *
 * @param subject - The user, as in `Session.login`.
 * @param data - The data of the session. Default: none.
 * @param options - The options of the session cookie, the same as those of the application's binding.
 * @throws {SessError} As `Session.login`; `invalid_option`, whose message names the option.
 */
export async function signedIn<Data extends object>(
  sessions: Sessions<Data>,
  subject: string,
  data?: Partial<Data>,
  options?: CookieOptions,
): Promise<string> {
  const { attributes } = sessionCookie(sessions, options)
  const session = await sessions.load(undefined)
  Object.assign(session.data, data)
  const { cookieValue } = await session.login(subject)
  return `${attributes.name}=${cookieValue!}`
}
