import { wilson } from './interval.ts'
import type { Ground, Race, Verdicts } from './races/race.ts'
import { CHECKS, type CheckName, type Row, type Timeline } from './result.ts'
import type { Trial } from './trial.ts'

/** Adds up the results of the trials of a race. */
export class Tally {
  readonly unjudged: Map<string, number> = new Map<string, number>()
  readonly timelines: Timeline[] = []
  readonly #race: Race
  readonly #wanted: readonly CheckName[]
  readonly #checks = new Map<CheckName, { found: number; judged: number; details: Map<string, number> }>()
  done: number = 0
  found: number = 0
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

  /** For each check, the first trial that found something; if no trial did, an example of a complete trial. */
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

/** The row of a check that is not run. */
export function notRun(check: CheckName, note: string): Row {
  const nothing = { found: 0, judged: 0, interval: [0, 1] as const, details: {}, unjudged: {} }
  return { check, ...CHECKS[check], status: 'not run', ...nothing, note }
}
