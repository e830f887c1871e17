import type { Progress, RaceName } from './options.ts'
import { adoption } from './races/adoption.ts'
import { fixation } from './races/fixation.ts'
import { login } from './races/login.ts'
import { logout } from './races/logout.ts'
import type { Ground, Race } from './races/race.ts'
import { writes } from './races/writes.ts'
import { SetupError } from './setup-error.ts'
import { CHECKS, type CheckName, type Row, type Timeline } from './result.ts'
import { notRun, Tally } from './tally.ts'
import { Unjudged } from './trial.ts'

const races: Record<RaceName, Race> = { writes, logout, login, fixation, adoption }

const checkNames = Object.keys(CHECKS) as CheckName[]

/** Returns why the run has to end early; undefined if it need not. */
export type Ended = () => string | undefined

/** Runs the races one after the other, and several trials of a race at the same time. */
export async function runRaces(
  ground: Ground,
  ended: Ended,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<{ rows: Row[]; timelines: Timeline[] }> {
  const rows: Row[] = []
  const timelines: Timeline[] = []
  for (const race of Object.values(races)) {
    const mine = checkNames.filter((check) => CHECKS[check].race === race.name)
    if (!ground.app.settings.only.includes(race.name)) {
      rows.push(...mine.map((check) => notRun(check, 'left out by --only')))
      continue
    }
    const reasons = race.notRun(ground)
    const wanted = mine.filter((check) => reasons[check] === undefined)
    const tally = new Tally(race, wanted)
    const cut = wanted.length === 0 ? undefined : await runTrials(race, ground, tally, ended, onProgress)
    const { trials } = ground.app.settings
    rows.push(
      ...mine.map((check) =>
        reasons[check] === undefined ? tally.row(check, ground, trials, cut) : notRun(check, reasons[check]),
      ),
    )
    timelines.push(...tally.examples)
  }
  return { rows, timelines }
}

/** Runs the trials of a race. Returns why it ended early, if it did. */
async function runTrials(
  race: Race,
  ground: Ground,
  tally: Tally,
  ended: Ended,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<string | undefined> {
  const { app } = ground
  const { trials, concurrency } = app.settings
  const progress = (): void =>
    onProgress?.({ phase: 'race', race: race.name, done: tally.done, of: trials, found: tally.found })
  const cut = (): string | undefined => {
    const why = ended()
    return why && `${why} after ${tally.done} of ${trials} trials`
  }
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < trials && cut() === undefined) {
      const trial = app.trial(next++)
      try {
        tally.add(await race.trial(ground, trial), trial)
      } catch (error) {
        if (!(error instanceof Unjudged) && !(error instanceof SetupError)) throw error
        tally.unjudged.set(error.message, (tally.unjudged.get(error.message) ?? 0) + 1)
      }
      tally.done++
      progress()
    }
  }
  progress()
  await Promise.all(Array.from({ length: Math.min(concurrency, trials) }, worker))
  return tally.done < trials ? cut() : undefined
}
