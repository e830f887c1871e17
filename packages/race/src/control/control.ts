import type { App } from '../app.ts'
import { Browser, type Look } from '../browser.ts'
import { seed, type Ground } from '../races/race.ts'
import { SetupError } from '../setup-error.ts'
import { Unjudged } from '../trial.ts'
import { findCookies } from './cookies.ts'
import { anonymousSession, loginBaseline, openAnonymously, signIn, signOut } from './sign-in.ts'
import { latencies } from './timing.ts'
import { checkInFlight, checkWrites, requirePrivate } from './writes.ts'

/** Whether the app shows any sign of a session. */
const alive = ({ signedIn, shown }: Look): boolean => signedIn || shown.size > 0

/**
 * Sends each request alone, and checks its effect. A race that finds nothing is only meaningful if the same requests, one after the other,
 * do what the options say.
 *
 * @throws {SetupError}
 */
export async function control(app: App): Promise<Ground> {
  try {
    return await quietly(app)
  } catch (error) {
    if (!(error instanceof Unjudged)) throw error
    throw new SetupError('unreachable', `With nothing else in flight: ${error.message}`, { cause: error })
  }
}

async function quietly(app: App): Promise<Ground> {
  const { login, logout } = app.settings
  const trial = app.trial(0)
  const browser = new Browser(app, trial)
  if (login) await signIn(app, browser)
  const written = await checkWrites(app, browser)
  await checkInFlight(app, browser, written)
  await requirePrivate(app, trial, written)
  app.sessionCookies = await findCookies(app, browser, written)

  const anonymous = login ? await anonymousSession(app) : 'writable'
  const samples = [await sample(app, anonymous), await sample(app, anonymous)] as const
  const logins = login && (await loginBaseline(app, anonymous))
  const old = browser.replay('old cookie')
  if (logout) await signOut(app, browser, written)
  return {
    app,
    baseline: {
      cookies: app.sessionCookies,
      anonymous,
      ...logins,
      ...(logout && { aliveAfterLogout: alive(await old.look(written)) }),
      latencyMs: await latencies(app),
    },
    samples,
  }
}

/** A browser with cookies of the app. If it is signed in, only with the cookies on which the session depends. */
async function sample(app: App, anonymous: 'writable' | 'empty' | 'none'): Promise<Browser> {
  const browser = new Browser(app, app.trial(0), 'sample')
  if (anonymous === 'writable') await seed(app, browser)
  else if (anonymous === 'empty') await openAnonymously(app, browser)
  else await browser.must({ label: 'login', template: app.settings.login! })
  return browser.replayWith(
    (name, value) => (anonymous !== 'none' || app.isSessionCookie(name) ? value : undefined),
    'sample',
  )
}
