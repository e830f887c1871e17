/** A schedule as a readable timeline. */
import type { Call } from '../held-store.ts'
import { handle, type Step } from '../records.ts'
import type { AnyRecord } from '../../src/store.ts'
import { Reader, type Core } from './core.ts'
import { playLive } from './live.ts'
import type { Ending, Start } from './requests.ts'
import { scenarioText, scheduleText } from './schedule.ts'
import type { Choice, Stage } from './scheduler.ts'
import type { Violation } from './search.ts'
import { handleIn } from './secrets.ts'

const FATES = {
  release: '',
  refuse: ' — refused: the store is out of reach',
  lose: ' — applied, and the answer is lost',
  delay: ' — under way, and the answer is lost',
} as const

/** Describes a schedule: its steps, what was wrong, and how to replay it. */
export async function report(stage: Stage, { scenario, schedule, wrong }: Violation, mutant?: string): Promise<string> {
  const { start } = await stage.scene(scenario)
  const { beats, endings } = await playLive(stage.core, start, scenario, schedule)
  const names = new Names(stage.core, start)
  const lines = beats.map(({ choice, call }, i) => `${String(i + 1).padStart(3)}  ${names.beat(choice, call)}`)
  const ends = scenario.requests.map(
    ({ seat, operation }) => `     ${seat} ${operation}: ${names.ending(endings.get(seat))}`,
  )
  const replay = `${scenarioText(scenario)} > ${scheduleText(schedule)}`
  return [
    scenarioText(scenario),
    ...lines,
    ...ends,
    ...(wrong.length > 0
      ? wrong.map((what) => `  ✗  ${what}`)
      : [`  ✓  all invariants hold${endings.size < ends.length ? ' so far' : ''}`]),
    `  ↻  node packages/core/test/explore.ts ${mutant === undefined ? '' : `--mutant ${mutant} `}--replay '${replay}'`,
  ].join('\n')
}

/** Short names for handles: `S` is the session of the start, `A1` the first session that A makes. */
class Names {
  readonly #reader: Reader
  readonly #names: Map<string, string>

  constructor(core: Core, { handle: name }: Start) {
    this.#reader = new Reader(core)
    this.#names = new Map([[name, 'S']])
  }

  beat(choice: Choice, call: Call | undefined): string {
    if (!call) return '+ the clock moves past the end of the windows'
    const { client, step, answer } = call
    if (choice.act === 'land') return `~ ${client}'s ${this.#step(client, step)} arrives → ${this.#answer(answer)}`
    const said = choice.act === 'release' ? ` → ${this.#answer(answer)}` : FATES[choice.act as 'lose']
    return `${client} ${this.#step(client, step)}${said}`
  }

  ending(end: Ending | undefined): string {
    if (!end) return 'has not ended'
    const { threw, said, left, cookie } = end
    const what = threw === undefined ? String(said) : `threw ${threw}`
    const whose = left?.subject === undefined ? '' : ` as ${left.subject}`
    const where = left?.handle === undefined ? '' : ` at ${this.#name('?', left.handle)}${whose}`
    const set =
      cookie?.action === 'set' ? `a cookie for ${this.#name('?', handleIn(cookie.value))}` : 'the cookie removed'
    return `${what}; ${left?.status ?? 'not loaded'}${where}; ${cookie ? set : 'no cookie'}`
  }

  #step(client: string, step: Step): string {
    switch (step.method) {
      case 'create':
        return `create ${this.#name(client, handle(step.key))} ${this.#record(step.record)}`
      case 'replace':
        return `replace ${this.#name(client, handle(step.key))} r${step.expected.revision} by ${this.#record(step.record, step.expected)}`
      case 'read':
      case 'touch':
      case 'delete':
        return `${step.method} ${this.#name(client, handle(step.key))}`
      case 'deleteSubject':
        return `deleteSubject ${step.subject.id}${step.except ? ` except ${this.#name(client, handle(step.except))}` : ''}`
      default:
        return step.method
    }
  }

  #answer(answer: unknown): string {
    if (answer === undefined) return 'missing'
    if (typeof answer === 'string') return answer
    if (typeof answer !== 'object' || Array.isArray(answer)) return JSON.stringify(answer)
    const record = answer as AnyRecord
    return `r${record.revision}${this.#reader.read(record).marker ? ' marker' : ''}`
  }

  /** A record, or its differences from the record before. */
  #record(record: AnyRecord, from?: AnyRecord): string {
    const { marker, digest, data } = this.#reader.read(record)
    const before = from && this.#reader.read(from)
    const changed = Object.entries(data).filter(([key, value]) => before?.data[key] !== value)
    const deleted = Object.keys(before?.data ?? {}).filter((key) => !(key in data))
    const words = [
      `r${record.revision}`,
      ...(marker ? ['marker'] : []),
      ...(record.subject === undefined || from ? [] : [`of ${record.subject}`]),
      ...(before && before.digest !== digest ? ['new secret'] : []),
      ...changed.map(([key, value]) => `${key}=${String(value)}`),
      ...deleted.map((key) => `-${key}`),
    ]
    return words.join(' ')
  }

  #name(client: string, name: string): string {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const own = [...this.#names.values()].filter((other) => other.startsWith(client)).length
    const made = `${client}${own + 1}`
    this.#names.set(name, made)
    return made
  }
}
