import { Browser, newWrite } from '../browser.ts'
import { apart, offsetOf, overlap } from '../pace.ts'
import { describe } from '../browser.ts'
import { Unjudged } from '../trial.ts'
import { establish, pulse, type Race } from './race.ts'
import { inFlightWindow } from './window.ts'

/** A logout while a request is in flight. */
export const logout: Race = {
  name: 'logout',

  notRun: ({ app }) => (app.settings.logout ? {} : { 'alive-after-logout': 'there is no --logout' }),

  note: (_check, { baseline }) =>
    baseline.aliveAfterLogout ? 'also with nothing in flight: a logout does not end the session' : undefined,

  async trial(ground, trial) {
    const { app, baseline } = ground
    const { inFlight, logout: template, login } = app.settings
    const browser = new Browser(app, trial)
    const before = await establish(app, browser)
    const write = newWrite(inFlight)
    const old = browser.replay('old cookie')
    const sendWrite = await browser.ready({ label: 'in flight', template: inFlight.request, write, racing: true })
    const sendLogout = await browser.ready({ label: 'logout', template: template!, racing: true })
    const offset = offsetOf(trial.index, inFlightWindow(baseline, baseline.latencyMs.logout))
    const [written, ended] = await apart(offset, sendWrite, sendLogout)
    if (!app.acknowledged(template!, ended, trial.user)) throw new Unjudged(`the logout: ${describe(ended)}`)

    const own = await browser.look(before)
    const alive = await pulse(old, [...before, write])
    const again = login ? own.signedIn : own.shown.size > 0
    return {
      checks: { 'alive-after-logout': again ? [...alive, 'in the browser'] : alive },
      inFlight: overlap(written, ended),
    }
  },
}
