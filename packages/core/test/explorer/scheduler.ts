/** The possible next steps when a store receives, loses and answers the calls of concurrent requests. */
import { apply, handle, writes, type Records, type Step } from '../records.ts'
import type { SessionRecord } from '../../src/store.ts'
import type { Core } from './core.ts'
import { BEGIN, makeStart, timeAt, WINDOW, type Request, type Seat, type Start, type StartName } from './requests.ts'
import { Catalogue, Run, type Heard, type Point } from './runs.ts'

/** Requests that run in parallel. */
export interface Scenario {
  readonly start: StartName
  readonly requests: readonly Request[]
  /** The clock may move once, past the end of the windows. */
  readonly clock: boolean
  /** How often a schedule may change from one request to another. Default: no limit. */
  readonly switches?: number
}

/**
 * One choice of a schedule:
 *
 * - `release`: the store applies a request's call and answers it.
 * - `refuse`: the store cannot be reached; nothing is applied.
 * - `lose`: the call is applied, and its answer lost.
 * - `delay`: the answer is lost, and the call arrives later, or never.
 * - `land`: the delayed call arrives.
 * - `tick`: the clock moves past the end of the windows.
 */
export type Choice =
  | { readonly act: 'release' | Fault['kind']; readonly seat: Seat }
  | { readonly act: 'land'; readonly seat?: undefined }
  | { readonly act: 'tick'; readonly seat?: undefined }

/** The lost answer of a schedule. A schedule loses at most one. */
export interface Fault {
  readonly kind: 'refuse' | 'lose' | 'delay'
  readonly seat: Seat
  readonly step: Step
  /** The answer of the store, if the call has arrived. */
  readonly answer?: { readonly value: unknown }
}

/** A point in a schedule. */
export interface State {
  readonly points: readonly Point[]
  readonly records: Records
  /** The handles of deleted records. */
  readonly dead: readonly string[]
  readonly fault?: Fault
  readonly now: number
  /** The request that moved last, and how often it changed. */
  readonly last?: Seat
  readonly switches: number
  /** The state before, and the choice that led here, on a shortest path. */
  readonly trail?: { readonly state: State; readonly choice: Choice }
  /** How many schedules lead here. */
  paths: number
}

/** A call that has just arrived at the store. */
export interface Arrival {
  readonly seat: Seat
  readonly request: Request
  /** The point of the request when it made the call. */
  readonly point: Point
  readonly step: Step
  readonly before: State
  readonly after: State
  readonly answer: unknown
}

/** The parts that are needed to play a scenario. */
export interface Scene {
  readonly scenario: Scenario
  readonly start: Start
  readonly stage: Stage
}

/** A tested core, with its starts and the trees of its requests, which are made when they are first needed. */
export class Stage {
  readonly core: Core
  readonly catalogue: Catalogue = new Catalogue()
  readonly #starts = new Map<StartName, Start>()
  readonly #runs = new Map<string, Run>()
  readonly #numbers = { last: 0 }

  constructor(core: Core) {
    this.core = core
  }

  /** How many points the trees have in all. */
  get points(): number {
    return this.#numbers.last
  }

  async scene(scenario: Scenario): Promise<Scene> {
    let start = this.#starts.get(scenario.start)
    if (!start) {
      start = await makeStart(this.core, scenario.start)
      for (const [name, record] of start.records) start.records.set(name, this.catalogue.only(name, record))
      this.#starts.set(scenario.start, start)
    }
    return { scenario, start, stage: this }
  }

  run(start: Start, request: Request): Run {
    const { seat, operation, cookie, behind = false } = request
    const name = `${start.name} ${seat} ${operation} ${cookie} ${behind}`
    let run = this.#runs.get(name)
    if (!run) this.#runs.set(name, (run = new Run(this.core, start, request, this.catalogue, this.#numbers)))
    return run
  }
}

/** The state at the start of every schedule. */
export async function begin(scene: Scene, runs: readonly Run[]): Promise<State> {
  const points: Point[] = []
  for (const run of runs) points.push(await run.root())
  return { points, records: scene.start.records, dead: [], now: BEGIN, switches: 0, paths: 1 }
}

/** The choices in a state. Those of the request that moved last come first, so that schedules switch rarely. */
export function choices({ scenario }: Scene, state: State, faults: boolean): Choice[] {
  const { last, switches } = state
  const all = scenario.requests
    .map(({ seat }, i) => ({ seat, call: state.points[i]!.call }))
    .filter((item): item is { seat: Seat; call: Step } => item.call !== undefined)
    .sort((a, b) => Number(b.seat === last) - Number(a.seat === last))
  const stay = switches >= (scenario.switches ?? Infinity) && all[0]?.seat === last
  const waiting = stay ? all.slice(0, 1) : all
  const found: Choice[] = waiting.map(({ seat }) => ({ act: 'release', seat }))
  if (faults && !state.fault)
    for (const { seat, call } of waiting) {
      found.push({ act: 'refuse', seat })
      if (writes(call)) found.push({ act: 'lose', seat }, { act: 'delay', seat })
    }
  if (isLate(state.fault)) found.push({ act: 'land' })
  if (scenario.clock && state.now === BEGIN) found.push({ act: 'tick' })
  return found
}

/** True for a delayed call that has not arrived yet. */
function isLate(fault: Fault | undefined): fault is Fault {
  return fault?.kind === 'delay' && fault.answer === undefined
}

/** The state after a choice, and the call that arrived by it. */
export interface Taken {
  readonly state: State
  readonly arrival?: Arrival
}

/** Takes a choice. It returns a promise only if the next point of the request has to be run. */
export function take(scene: Scene, runs: readonly Run[], state: State, choice: Choice): Taken | Promise<Taken> {
  const { requests } = scene.scenario
  const base = { ...state, trail: { state, choice } }
  if (choice.act === 'tick') return { state: { ...base, now: state.now + WINDOW } }
  if (choice.act === 'land') {
    const fault = state.fault!
    const seat = requests.findIndex((request) => request.seat === fault.seat)
    const { records, dead, answer } = arrive(scene, state, fault.step)
    const after: State = { ...base, records, dead, fault: { ...fault, answer: { value: answer } } }
    const point = pointOf(state.points[seat]!, fault)
    return { state: after, arrival: { ...fault, request: requests[seat]!, point, before: state, after, answer } }
  }
  const { act, seat } = choice
  const moved = {
    ...base,
    last: seat,
    switches: state.switches + Number(state.last !== undefined && state.last !== seat),
  }
  const index = requests.findIndex((request) => request.seat === seat)
  const point = state.points[index]!
  const step = point.call!
  const go = (heard: Heard, taken: (points: Point[]) => Taken): Taken | Promise<Taken> => {
    const next = runs[index]!.next(point, heard, timeAt(requests[index]!, state.now))
    const { points } = state
    return next instanceof Promise
      ? next.then((grown) => taken(points.with(index, grown)))
      : taken(points.with(index, next))
  }
  if (act === 'refuse' || act === 'delay')
    return go(act === 'refuse' ? 'refused' : 'lost', (points) => ({
      state: { ...moved, points, fault: { kind: act, seat, step } },
    }))
  const { records, dead, answer } = arrive(scene, state, step)
  const heard: Heard = act === 'release' ? { value: answer } : 'lost'
  const fault = act === 'lose' ? { fault: { kind: act, seat, step, answer: { value: answer } } } : {}
  return go(heard, (points) => {
    const after: State = { ...moved, points, records, dead, ...fault }
    return { state: after, arrival: { seat, request: requests[index]!, point, step, before: state, after, answer } }
  })
}

/** Applies a step to the store. Records with the same content stay the same object. */
function arrive(
  scene: Scene,
  state: State,
  step: Step,
): { records: Records; dead: readonly string[]; answer: unknown } {
  if (!writes(step)) return { records: state.records, dead: state.dead, answer: apply(state.records, step) }
  const records: Map<string, SessionRecord> = new Map(state.records)
  const answer = apply(records, step)
  if ('key' in step) {
    const name = handle(step.key)
    const record = records.get(name)
    if (record) records.set(name, scene.stage.catalogue.only(name, record))
  }
  const gone = [...state.records.keys()].filter((name) => !records.has(name))
  return { records, dead: gone.length > 0 ? [...state.dead, ...gone].sort() : state.dead, answer }
}

/** The point at which a request made the call that was delayed. */
function pointOf(point: Point, fault: Fault): Point {
  let at = point
  while (at.from && at.call !== fault.step) at = at.from.point
  return at
}

/** A text that identifies a state by its possible futures. */
export function keyOf(catalogue: Catalogue, scenario: Scenario, state: State): string {
  const { points, records, dead, fault, now, last, switches } = state
  let key = now === BEGIN ? '' : 'late '
  for (const { number } of points) key += `${number},`
  key += catalogue.nameAll(records)
  if (dead.length > 0) key += `;${dead.join()}`
  if (fault) key += `;${fault.kind} ${fault.seat} ${fault.answer ? catalogue.name(fault.answer) : ''}`
  if (scenario.switches !== undefined) key += `;${last} ${switches}`
  return key
}
