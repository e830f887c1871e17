/**
 * Searches every order in which the store can receive, lose and answer the calls of concurrent requests.
 *
 * From each state it takes all choices. If two schedules reach the same state, they continue as one, so every interleaving is
 * covered and none is run twice. Every choice is one step, so the search is breadth-first, and the first violation has a shortest
 * schedule.
 */
import type { Choice, Arrival, Scenario, Scene, Stage, State, Taken } from './scheduler.ts'
import { begin, choices, keyOf, take } from './scheduler.ts'

/** The checks: after a call has arrived, and after all requests have ended. Each returns the violations. */
export interface Checks {
  onArrival(scene: Scene, arrival: Arrival): readonly string[]
  atEnd(scene: Scene, state: State): Promise<readonly string[]>
}

export interface Violation {
  readonly scenario: Scenario
  readonly wrong: readonly string[]
  readonly schedule: readonly Choice[]
}

/** The result of an exploration. */
export interface Coverage {
  states: number
  schedules: number
  scenarios: number
}

/** Explores a scenario, first without lost answers, then with one lost answer. It stops at the first violation. */
export async function explore(
  stage: Stage,
  scenario: Scenario,
  checks: Checks,
  coverage: Coverage,
): Promise<Violation | undefined> {
  const scene = await stage.scene(scenario)
  const runs = scenario.requests.map((request) => stage.run(scene.start, request))
  coverage.scenarios++
  for (const faults of [false, true]) {
    // Schedules without a lost answer were checked in the first round.
    const isFresh = ({ fault }: State): boolean => !faults || fault !== undefined
    let layer = new Map<string, State>([['', await begin(scene, runs)]])
    while (layer.size > 0) {
      const deeper = new Map<string, State>()
      for (const state of layer.values()) {
        const over = state.points.every(({ end }) => end)
        const fresh = isFresh(state)
        if (fresh) coverage.states++
        if (fresh && over) {
          coverage.schedules += state.paths
          const wrong = await checks.atEnd(scene, state)
          if (wrong.length > 0) return { scenario, wrong, schedule: scheduleTo(state) }
        }
        for (const choice of choices(scene, state, faults)) {
          const taken = take(scene, runs, state, choice)
          const took = taken instanceof Promise ? await taken : taken
          if (took.arrival && isFresh(took.state)) {
            const wrong = checks.onArrival(scene, took.arrival)
            if (wrong.length > 0) return { scenario, wrong, schedule: scheduleTo(took.state) }
          }
          const key = keyOf(stage.catalogue, scenario, took.state)
          const known = deeper.get(key)
          if (known) known.paths += took.state.paths
          else deeper.set(key, took.state)
        }
      }
      layer = deeper
    }
  }
  return undefined
}

/** The choices that led to a state. */
function scheduleTo(state: State): Choice[] {
  const schedule: Choice[] = []
  for (let { trail } = state; trail; { trail } = trail.state) schedule.unshift(trail.choice)
  return schedule
}

/** Checks one schedule. @throws If the schedule does not fit. */
export async function check(
  stage: Stage,
  scenario: Scenario,
  schedule: readonly Choice[],
  checks: Checks,
): Promise<readonly string[]> {
  const scene = await stage.scene(scenario)
  const wrong: string[] = []
  let state: State | undefined
  for await (const took of walk(scene, schedule)) {
    if (took.arrival) wrong.push(...checks.onArrival(scene, took.arrival))
    state = took.state
  }
  if (state?.points.every(({ end }) => end)) wrong.push(...(await checks.atEnd(scene, state)))
  return wrong
}

/** Takes the choices of a schedule one by one. */
async function* walk(scene: Scene, schedule: readonly Choice[]): AsyncGenerator<Taken> {
  const runs = scene.scenario.requests.map((request) => scene.stage.run(scene.start, request))
  let state = await begin(scene, runs)
  for (const [i, choice] of schedule.entries()) {
    if (!choices(scene, state, true).some(({ act, seat }) => act === choice.act && seat === choice.seat))
      throw new Error(`choice ${i + 1} of the schedule (${JSON.stringify(choice)}) cannot be taken there`)
    const took = await take(scene, runs, state, choice)
    yield took
    state = took.state
  }
}

/** A complete schedule and its last state. `pick` chooses among the number of choices that it gets. */
export async function wander(
  scene: Scene,
  pick: (count: number) => number,
): Promise<{ readonly schedule: readonly Choice[]; readonly state: State }> {
  const runs = scene.scenario.requests.map((request) => scene.stage.run(scene.start, request))
  let state = await begin(scene, runs)
  while (state.points.some(({ end }) => !end)) {
    const found = choices(scene, state, true)
    state = (await take(scene, runs, state, found[pick(found.length)]!)).state
  }
  return { schedule: scheduleTo(state), state }
}
