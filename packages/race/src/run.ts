import type { App } from './app.ts'
import { wilson } from './interval.ts'
import type { Progress, RaceName } from './options.ts'
import { adoption } from './races/adoption.ts'
import { fixation } from './races/fixation.ts'
import { login } from './races/login.ts'
import { logout } from './races/logout.ts'
import type { Ground, Race, Verdicts } from './races/race.ts'
import { writes } from './races/writes.ts'
import { SetupError } from './setup-error.ts'
import { CHECKS, type CheckName, type Row, type Timeline } from './result.ts'
import { Unjudged, type Trial } from './trial.ts'

const races: Record<RaceName, Race> = { writes, logout, login, fixation, adoption }

const checkNames = Object.keys(CHECKS) as CheckName[]

/** What the trials of a race add up to. */
class Tally {
  readonly unjudged = new Map<string, number>()
  readonly timelines: Timeline[] = []
  readonly #race: Race
  readonly #wanted: readonly CheckName[]
  readonly #checks = new Map<CheckName, { found: number; judged: number; details: Map<string, number> }>()
  done = 0
  found = 0
  #inFlight = 0
  #racing = false
  #quiet: Timeline | undefined

  constructor(race: Race, wanted: readonly CheckName[]) {
    this.#race = race
    this.#wanted = wanted
    for (const check of wanted) this.#checks.set(check, { found: 0, judged: 0, details: new Map() })
  }

  add({ checks, inFlight }: Verdicts, trial: Trial): void {
    this.#racing = inFlight !== undefined
    if (inFlight) this.#inFlight++
    const hits: CheckName[] = []
    let first = false
    for (const name of this.#wanted) {
      const details = checks[name]
      if (details === undefined) continue
      const tally = this.#checks.get(name)!
      tally.judged++
      if (details.length === 0) continue
      first ||= tally.found === 0
      tally.found++
      hits.push(name)
      for (const detail of details) tally.details.set(detail, (tally.details.get(detail) ?? 0) + 1)
    }
    if (hits.length > 0) this.found++
    const timeline = { race: this.#race.name, checks: hits, trial: trial.index, events: trial.events }
    if (first) this.timelines.push(timeline)
    else if (hits.length === 0 && inFlight !== false) this.#quiet ??= timeline
  }

  /** The first trial that found each thing; where none did, one that ran its course. */
  get examples(): readonly Timeline[] {
    return this.timelines.length > 0 || this.#quiet === undefined ? this.timelines : [this.#quiet]
  }

  row(check: CheckName, ground: Ground, trials: number, cut: string | undefined): Row {
    const { found, judged, details } = this.#checks.get(check)!
    const unjudged = Object.fromEntries(this.unjudged)
    const note =
      found > 0
        ? this.#race.note?.(check, ground)
        : judged * 2 < trials
          ? (cut ?? `only ${judged} of ${trials} trials could be judged`)
          : (cut ??
            (this.#racing && this.#inFlight === 0 ? 'the two requests were never in flight at once' : undefined))
    return {
      check,
      ...CHECKS[check],
      status: found > 0 ? 'found' : note === undefined ? 'clean' : 'not judged',
      found,
      judged,
      interval: wilson(found, judged),
      ...(this.#racing && { inFlight: this.#inFlight }),
      details: Object.fromEntries(details),
      unjudged,
      ...(note !== undefined && { note }),
    }
  }
}

function notRun(check: CheckName, note: string): Row {
  const nothing = { found: 0, judged: 0, interval: [0, 1] as const, details: {}, unjudged: {} }
  return { check, ...CHECKS[check], status: 'not run', ...nothing, note }
}

/** Why a run is to end before its trials do, if it is. */
export type Ended = () => string | undefined

/** Runs the races, one after the other, the trials of each a few at a time. */
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

/** Returns why it ended early, if it did. */
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

/** What the app is asked, for the report. */
export function requestsOf({ settings }: App): Record<string, string> {
  const { login, logout, read, whoami, inFlight, open, csrf } = settings
  return {
    ...(login && { login: login.label }),
    ...Object.fromEntries(settings.writes.map(({ key, request }) => [`write ${key}`, request.label])),
    'in flight': inFlight.request.label,
    read: read.label,
    ...(login && { whoami: whoami.label }),
    ...(login && { open: open.label }),
    ...(csrf && { csrf: csrf.label }),
    ...(logout && { logout: logout.label }),
  }
}
