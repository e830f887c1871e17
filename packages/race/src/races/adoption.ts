import { randomInt, randomUUID } from 'node:crypto'
import type { App } from '../app.ts'
import { Browser, newWrite } from '../browser.ts'
import type { CheckName } from '../result.ts'
import type { Trial } from '../trial.ts'
import { establish, type Ground, type Race } from './race.ts'

const classes = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ']

/**
 * Makes up a cookie value with the shape of two real values. It keeps their common start, and replaces the rest: digits by digits, letters
 * by letters, hexadecimal digits by hexadecimal digits.
 */
export function madeUpLike(value: string, other: string): string {
  if (/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(value)) return randomUUID()
  let same = 0
  while (same < value.length && value[same] === other[same]) same++
  const sets = /^[\da-f-]+$/.test(value) ? ['0123456789abcdef'] : classes
  const rest = value.slice(same).replaceAll(/%[\dA-F]{2}|[\da-z]/gi, (character) => {
    const set = sets.find((each) => each.includes(character))
    return set === undefined ? character : set[randomInt(set.length)]!
  })
  return value.slice(0, same) + rest
}

/** Uses the cookies as a victim would, and then reads with them in another client. */
async function used(app: App, cookies: Browser, other: Browser): Promise<string[]> {
  const { writes, login } = app.settings
  const write = newWrite(writes[0]!)
  await cookies.send({ label: `write ${write.template.key}`, template: write.template.request, write })
  const { shown } = await other.look([write])
  if (login) await cookies.send({ label: 'login', template: login })
  const signedIn = login !== undefined && (await other.look([])).signedIn
  return [...(shown.size > 0 ? ['data'] : []), ...(signedIn ? ['signed in'] : [])]
}

async function usedAfterLogout(ground: Ground, trial: Trial): Promise<string[]> {
  const { app } = ground
  const browser = new Browser(app, trial)
  await establish(app, browser)
  const old = browser.replay('old cookie')
  const other = browser.replay('another')
  await browser.must({ label: 'logout', template: app.settings.logout! })
  return used(app, old, other)
}

function notRun({ app, baseline }: Ground): Partial<Record<CheckName, string>> {
  if (!app.settings.logout) return { 'ended-adopted': 'there is no --logout' }
  return baseline.aliveAfterLogout ? { 'ended-adopted': 'a logout does not end the session' } : {}
}

/** Made-up cookies, and cookies of sessions that have ended. */
export const adoption: Race = {
  name: 'adoption',
  notRun,

  async trial(ground, trial) {
    const { app, samples } = ground
    const others = samples[1].cookies()
    const madeUp = samples[0].replayWith(
      (name, value) => (app.isSessionCookie(name) ? madeUpLike(value, others.get(name) ?? '') : value),
      'made-up cookie',
      trial,
    )
    return {
      checks: {
        'made-up-adopted': await used(app, madeUp, madeUp.replay('another')),
        ...(notRun(ground)['ended-adopted'] === undefined && { 'ended-adopted': await usedAfterLogout(ground, trial) }),
      },
    }
  },
}
