import type { App } from '../app.ts'
import { newWrite, type Browser, type Sent } from '../browser.ts'
import type { RaceName } from '../options.ts'
import type { Baseline, CheckName } from '../result.ts'
import type { Trial } from '../trial.ts'

/** What a trial of a race is given. */
export interface Ground {
  readonly app: App
  readonly baseline: Baseline
  /** Two browsers with cookies as the app gives them out: anonymous ones, or signed-in ones where there are no others. */
  readonly samples: readonly [Browser, Browser]
}

/** What a trial found. Each check that it judged has an entry. */
export interface Verdicts {
  /** What was found, in words for counting; empty: nothing. Absent: not judged by this trial. */
  readonly checks: Partial<Record<CheckName, readonly string[]>>
  /** Whether the requests were in flight at once; undefined where nothing races. */
  readonly inFlight?: boolean
}

/** A race: why a check of it cannot be run on this app, and one trial. */
export interface Race {
  readonly name: RaceName
  /** For each check that is not run, why. */
  notRun(ground: Ground): Partial<Record<CheckName, string>>
  /** For a check whose finding needs no race, that it needs none. */
  note?(check: CheckName, ground: Ground): string | undefined
  /** @throws {Unjudged} When the app did not do its part. */
  trial(ground: Ground, trial: Trial): Promise<Verdicts>
}

/** Gives a browser a session: signed in where there is a login, else by a write, which is returned. */
export async function establish(app: App, browser: Browser): Promise<Sent[]> {
  const { login } = app.settings
  if (!login) return [await seed(app, browser)]
  await browser.must({ label: 'login', template: login })
  return []
}

/** Writes with the last of the writes, so that the first is free for the race. */
export async function seed(app: App, browser: Browser): Promise<Sent> {
  const write = newWrite(app.settings.writes.at(-1)!)
  await browser.write(write)
  return write
}

/** What old cookies that should be dead can still do. */
export async function pulse(old: Browser, writes: readonly Sent[]): Promise<string[]> {
  const { signedIn, shown } = await old.look(writes)
  return signedIn ? ['signed in'] : shown.size > 0 ? ['data only'] : []
}
