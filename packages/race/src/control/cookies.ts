import type { App } from '../app.ts'
import type { Browser, Sent } from '../browser.ts'
import { SetupError } from '../setup-error.ts'

/**
 * Finds the cookies on which the session depends, by leaving out one cookie at a time.
 *
 * @throws {SetupError} `no_cookie`.
 */
export async function findCookies(app: App, browser: Browser, written: readonly Sent[]): Promise<readonly string[]> {
  const { cookies, login } = app.settings
  const names = [...browser.cookies().keys()]
  if (names.length === 0)
    throw new SetupError('no_cookie', 'The app set no cookie, and this tool can only test sessions in cookies')
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
      `The session does not depend on a single one of the cookies ${names.join(', ')}; name the session cookies with --cookie`,
    )
  return needed
}
