/**
 * Every order in which the store can get, lose and answer the calls of concurrent requests.
 *
 * From each state all choices are taken. Two schedules that meet in one state go on as one, so every interleaving is
 * covered and none is run twice. Every choice takes one step, so the search goes layer by layer, and the first violation
 * that it meets has a shortest schedule.
 */
import type { Choice, Arrival, Scenario, Scene, Stage, State, Taken } from './scheduler.ts'
import { begin, choices, keyOf, take } from './scheduler.ts'

/** What is checked: when a call has arrived, and when all requests have ended. Each returns what is wrong. */
export interface Checks {
  onArrival(scene: Scene, arrival: Arrival): readonly string[]
  atEnd(scene: Scene, state: State): Promise<readonly string[]>
}

export interface Violation {
  readonly scenario: Scenario
  readonly wrong: readonly string[]
  readonly schedule: readonly Choice[]
}

/** What an exploration covered. */
export interface Coverage {
  states: number
  schedules: number
  scenarios: number
}

/** Explores a scenario: first with all answers, then with one lost. Stops at the first violation. */
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
    // What has no fault in it was checked in the first round.
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

/** Checks one schedule. @throws Where it does not fit. */
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

/** A schedule to its end, by choices that `pick` makes among so many, and the state that it leads to. */
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
