import type { App } from '../app.ts'
import { newWrite, type Browser, type Sent } from '../browser.ts'
import type { RaceName } from '../options.ts'
import type { Baseline, CheckName } from '../result.ts'
import type { Trial } from '../trial.ts'

/** The input of a trial. */
export interface Ground {
  readonly app: App
  readonly baseline: Baseline
  /** Two browsers with cookies of the app: anonymous, or signed in if the app has no anonymous sessions. */
  readonly samples: readonly [Browser, Browser]
}

/** The result of a trial. */
export interface Verdicts {
  /** For each judged check the kinds of findings; empty: nothing was found. An absent check was not judged. */
  readonly checks: Partial<Record<CheckName, readonly string[]>>
  /** Whether the requests were in flight at the same time; undefined if the trial has no race. */
  readonly inFlight?: boolean
}

/** A race. */
export interface Race {
  readonly name: RaceName
  /** The checks that cannot be run on this app, with the reason. */
  notRun(ground: Ground): Partial<Record<CheckName, string>>
  /** A remark on a check that finds the same without a race. */
  note?(check: CheckName, ground: Ground): string | undefined
  /** Runs one trial. @throws {Unjudged} If the app did not answer as it should. */
  trial(ground: Ground, trial: Trial): Promise<Verdicts>
}

/** Gives a browser a session: by a login, if there is one; otherwise by a write, which is returned. */
export async function establish(app: App, browser: Browser): Promise<Sent[]> {
  const { login } = app.settings
  if (!login) return [await seed(app, browser)]
  await browser.must({ label: 'login', template: login })
  return []
}

/** Sends the last of the writes, so that the first remains for the race. */
export async function seed(app: App, browser: Browser): Promise<Sent> {
  const write = newWrite(app.settings.writes.at(-1)!)
  await browser.write(write)
  return write
}

/** What the old cookies can still do. */
export async function pulse(old: Browser, writes: readonly Sent[]): Promise<string[]> {
  const { signedIn, shown } = await old.look(writes)
  return signedIn ? ['signed in'] : shown.size > 0 ? ['data only'] : []
}
