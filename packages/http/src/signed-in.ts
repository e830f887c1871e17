import type { Sessions } from '@sess/core'
import type { CookieOptions } from './cookie-options.ts'
import { sessionCookie } from './session-cookie.ts'

/**
 * For tests: signs somebody in without a request, and resolves to a Cookie header for requests of theirs, such as
 * `__Host-sid=…`. Each call makes a session of its own.
 *
 * It is a header that the test sends by itself, so no client has to accept a cookie: those that keep cookies drop a Secure one on
 * `http://127.0.0.1` without a word.
 *
 * @param data - What the session holds besides.
 * @param options - The options of the cookie that the application has, as its binding is given them.
 * @throws {SessError} As `Session.login`; `invalid_option`, naming the option.
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
