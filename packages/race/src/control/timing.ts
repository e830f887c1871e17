import type { App } from '../app.ts'
import { Browser, newWrite } from '../browser.ts'
import type { Exchange } from '../client.ts'
import { establish } from '../races/race.ts'
import type { Baseline } from '../result.ts'

/** Quiet rounds that are timed. */
const ROUNDS = 5

const took = ({ startedAt, endedAt }: Exchange): number => endedAt - startedAt

/**
 * How long the requests take that are raced, with nothing else in flight, at the shortest: one that hiccups now would
 * widen the window past where they meet. Warms the connections up, too.
 */
export async function latencies(app: App): Promise<Baseline['latencyMs']> {
  const { login, logout, inFlight } = app.settings
  const times: { inFlight: number[]; login: number[]; logout: number[] } = { inFlight: [], login: [], logout: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const browser = new Browser(app, app.trial(round))
    if (login) times.login.push(took(await browser.must({ label: 'login', template: login })))
    else await establish(app, browser)
    times.inFlight.push(
      took(await browser.must({ label: 'in flight', template: inFlight.request, write: newWrite(inFlight) })),
    )
    if (logout) times.logout.push(took(await browser.must({ label: 'logout', template: logout })))
  }
  return {
    inFlight: Math.min(...times.inFlight),
    ...(login && { login: Math.min(...times.login) }),
    ...(logout && { logout: Math.min(...times.logout) }),
  }
}
