import { Browser, describe, newWrite } from '../browser.ts'
import { apart, offsetOf, overlap } from '../pace.ts'
import type { CheckName } from '../result.ts'
import { Unjudged } from '../trial.ts'
import { pulse, seed, type Ground, type Race } from './race.ts'
import { inFlightWindow } from './window.ts'

const checks = ['alive-after-login', 'sign-in-lost', 'lost-over-login'] as const satisfies CheckName[]

function notRun({ app, baseline }: Ground): Partial<Record<CheckName, string>> {
  const all = (why: string): Partial<Record<CheckName, string>> =>
    Object.fromEntries(checks.map((check) => [check, why]))
  if (!app.settings.login) return all('there is no --login')
  if (baseline.anonymous === 'writable')
    return baseline.loginCarriesData ? {} : { 'lost-over-login': 'a quiet login does not carry the data either' }
  const nothing = 'anonymous browsers have no session to write to'
  if (baseline.loginAgain === 'refused') return all(`${nothing}, and one that is signed in cannot log in again`)
  return {
    'lost-over-login': nothing,
    ...(baseline.loginAgain === 'keeps' && { 'alive-after-login': `${nothing}, and a second login keeps the cookie` }),
  }
}

/** A login while a request is in flight: by an anonymous browser, or else again by a signed-in one. */
export const login: Race = {
  name: 'login',
  notRun,

  note: (check, { baseline }) =>
    check === 'alive-after-login' && baseline.aliveAfterLogin
      ? 'also with nothing in flight: a login leaves the old session alive'
      : undefined,

  async trial(ground, trial) {
    const { app, baseline } = ground
    const { inFlight, login: template } = app.settings
    const browser = new Browser(app, trial)
    if (baseline.anonymous !== 'writable') await browser.must({ label: 'login', template: template! })
    const before = await seed(app, browser)
    const write = newWrite(inFlight)
    const old = browser.replay('old cookie')
    const sendWrite = await browser.ready({ label: 'in flight', template: inFlight.request, write, racing: true })
    const sendLogin = await browser.ready({ label: 'login', template: template!, racing: true })
    const offset = offsetOf(trial.index, inFlightWindow(baseline, baseline.latencyMs.login))
    const [written, signedIn] = await apart(offset, sendWrite, sendLogin)
    if (!app.acknowledged(template!, signedIn, trial.user)) throw new Unjudged(`the login: ${describe(signedIn)}`)

    const own = await browser.look([before, write])
    const alive = await pulse(old, [before, write])
    const done = app.acknowledged(inFlight.request, written, trial.user) ? [before, write] : [before]
    const lost = done.filter(({ proof }) => proof !== undefined && !own.shown.has(proof))
    return {
      checks: {
        'alive-after-login': alive,
        'sign-in-lost': own.signedIn ? [] : ['signed out'],
        ...(own.signedIn && {
          'lost-over-login': lost.map((each) => (each === before ? 'written before' : 'in flight')),
        }),
      },
      inFlight: overlap(written, signedIn),
    }
  },
}
