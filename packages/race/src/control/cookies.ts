import type { App } from '../app.ts'
import type { Browser, Sent } from '../browser.ts'
import { SetupError } from '../setup-error.ts'

/**
 * Finds the cookies that the session depends on, by leaving out one at a time.
 *
 * @throws {SetupError} `no_cookie`.
 */
export async function findCookies(app: App, browser: Browser, written: readonly Sent[]): Promise<readonly string[]> {
  const { cookies, login } = app.settings
  const names = [...browser.cookies().keys()]
  if (names.length === 0)
    throw new SetupError('no_cookie', 'The app set no cookie, and only sessions that ride on cookies can be raced')
  if (cookies) {
    const absent = cookies.find((name) => !names.includes(name))
    if (absent === undefined) return cookies
    throw new SetupError('no_cookie', `The app set no cookie ${absent}; it set ${names.join(', ')}`)
  }
  const needed: string[] = []
  for (const name of names) {
    const without = browser.replayWith((each, value) => (each === name ? undefined : value), 'less one cookie')
    const { signedIn, shown } = await without.look(written)
    if (shown.size < written.length || (login && !signedIn)) needed.push(name)
  }
  if (needed.length === 0)
    throw new SetupError(
      'no_cookie',
      `The session does not depend on any one of the cookies ${names.join(', ')}; name those that make it with --cookie`,
    )
  return needed
}
