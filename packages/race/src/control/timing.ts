import type { App } from '../app.ts'
import { Browser, newWrite } from '../browser.ts'
import type { Exchange } from '../client.ts'
import { establish } from '../races/race.ts'
import type { Baseline } from '../result.ts'

/** How many rounds are timed. */
const ROUNDS = 5

const took = ({ startedAt, endedAt }: Exchange): number => endedAt - startedAt

/**
 * The shortest times of the requests, each sent alone. A longer time, from a delay of the machine, would widen the window so far that the
 * requests miss each other. This also warms the connections up.
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
