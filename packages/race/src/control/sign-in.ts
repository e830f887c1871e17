import type { App } from '../app.ts'
import { Browser, describe, newWrite, type Sent } from '../browser.ts'
import { seed } from '../races/race.ts'
import type { Baseline } from '../result.ts'
import { SetupError } from '../setup-error.ts'

/** Signs in, and checks that `whoami` shows the user only after the login. @throws {SetupError} `login_failed`. */
export async function signIn(app: App, browser: Browser): Promise<void> {
  const { login, whoami } = app.settings
  if ((await browser.look([])).signedIn)
    throw new SetupError(
      'login_failed',
      `Before any login, ${whoami.label} already shows the text that should show a signed-in browser; choose another --signed-in or --whoami`,
    )
  const exchange = await browser.send({ label: 'login', template: login! })
  if (!(await browser.look([])).signedIn)
    throw new SetupError(
      'login_failed',
      `After the login (${login!.label}: ${describe(exchange)}), ${whoami.label} does not show that the browser is signed in; check --login, give the page that names the user with --whoami, or the text that it shows with --signed-in`,
    )
  browser.learn(login!, exchange)
}

/** Logs out, and checks that the browser's session has ended. @throws {SetupError} `logout_failed`. */
export async function signOut(app: App, browser: Browser, written: readonly Sent[]): Promise<void> {
  const { logout, read, whoami } = app.settings
  const exchange = await browser.send({ label: 'logout', template: logout! })
  const { signedIn, shown } = await browser.look(written)
  const what = `After the logout (${logout!.label}: ${describe(exchange)})`
  if (signedIn)
    throw new SetupError('logout_failed', `${what}, ${whoami.label} still shows a signed-in browser; check --logout`)
  if (shown.size > 0)
    throw new SetupError(
      'logout_failed',
      `${what}, ${read.label} still shows earlier writes; check --logout, or give a --read that shows only what the session holds`,
    )
  browser.learn(logout!, exchange)
}

/** Lets a browser get an anonymous session without writing. */
export async function openAnonymously(app: App, browser: Browser): Promise<void> {
  await browser.send({ label: 'open', template: app.settings.open })
}

/** Finds out what kind of session an anonymous browser has. */
export async function anonymousSession(app: App): Promise<Baseline['anonymous']> {
  const writer = new Browser(app, app.trial(0))
  const write = newWrite(app.settings.writes.at(-1)!)
  await writer.send({ label: `write ${write.template.key}`, template: write.template.request, write })
  if ((await writer.look([write])).shown.size > 0) return 'writable'
  const opener = new Browser(app, app.trial(0))
  await openAnonymously(app, opener)
  return [...opener.cookies().keys()].some((name) => app.isSessionCookie(name)) ? 'empty' : 'none'
}

type LoginBaseline = Pick<Baseline, 'loginCarriesData' | 'loginRotates' | 'loginAgain' | 'aliveAfterLogin'>

/** Finds out what a login, without a race, does to the session of a browser. */
export async function loginBaseline(app: App, anonymous: Baseline['anonymous']): Promise<LoginBaseline> {
  if (anonymous === 'writable') return ofWritable(app)
  return { ...(anonymous === 'empty' && (await ofEmpty(app))), ...(await ofSignedIn(app)) }
}

async function ofWritable(app: App): Promise<LoginBaseline> {
  const browser = new Browser(app, app.trial(0))
  const before = await seed(app, browser)
  const old = browser.replay('old cookie')
  await browser.must({ label: 'login', template: app.settings.login! })
  const { signedIn, shown } = await browser.look([before])
  if (!signedIn)
    throw new SetupError(
      'login_failed',
      `${app.settings.login!.label} does not sign in a browser that has written to an anonymous session before`,
    )
  const after = await old.look([before])
  return {
    loginCarriesData: shown.size > 0,
    loginRotates: changed(app, old, browser),
    aliveAfterLogin: after.signedIn || after.shown.size > 0,
  }
}

async function ofEmpty(app: App): Promise<LoginBaseline> {
  const browser = new Browser(app, app.trial(0))
  await openAnonymously(app, browser)
  const old = browser.replay('old cookie')
  await browser.must({ label: 'login', template: app.settings.login! })
  return { loginRotates: changed(app, old, browser) }
}

async function ofSignedIn(app: App): Promise<LoginBaseline> {
  const { login } = app.settings
  const trial = app.trial(0)
  const browser = new Browser(app, trial)
  await browser.must({ label: 'login', template: login! })
  const before = await seed(app, browser)
  const old = browser.replay('old cookie')
  const again = await browser.send({ label: 'login', template: login! })
  const own = await browser.look([])
  if (!own.signedIn || !app.acknowledged(login!, again, trial.user)) return { loginAgain: 'refused' }
  const { signedIn, shown } = await old.look([before])
  return {
    loginAgain: changed(app, old, browser) ? 'rotates' : 'keeps',
    aliveAfterLogin: signedIn || shown.size > 0,
  }
}

/** Whether the session cookies of a browser differ from those of an earlier copy. */
function changed(app: App, earlier: Browser, now: Browser): boolean {
  const before = earlier.cookies()
  const after = now.cookies()
  return app.sessionCookies.some((name) => before.get(name) !== after.get(name))
}
