/**
 * Plays one schedule with all requests running at the same time on one held store, without the trees. `--replay` uses it, and a test
 * compares the explorer's shortcuts with it.
 */
import { heldStore, type Call } from '../held-store.ts'
import type { Records } from '../records.ts'
import type { Core } from './core.ts'
import { move, Stream } from './determinism.ts'
import { BEGIN, optionsOf, serve, timeAt, WINDOW, type Data, type Ending, type Seat, type Start } from './requests.ts'
import { answerOf } from './runs.ts'
import type { Choice, Scenario } from './scheduler.ts'

/** What happened, choice by choice. */
export interface Played {
  readonly beats: readonly { readonly choice: Choice; readonly call?: Call }[]
  readonly endings: ReadonlyMap<Seat, Ending>
  readonly records: Records
}

/** Plays a schedule. @throws If the schedule does not fit, because no call of a request waits. */
export async function playLive(
  core: Core,
  start: Start,
  scenario: Scenario,
  schedule: readonly Choice[],
): Promise<Played> {
  const store = heldStore({ records: new Map(start.records) })
  const streams = new Map<Seat, Stream>()
  const endings = new Map<Seat, Ending>()
  let now = BEGIN
  store.hold()
  for (const request of scenario.requests) {
    const { seat } = request
    const stream = new Stream(`request ${seat}`)
    streams.set(seat, stream)
    await move(stream, () => {
      const sessions = core.createSessions<Data>({
        store: store.client(seat),
        clock: () => timeAt(request, now),
        sweepEvery: false,
        ...optionsOf(start.name),
      })
      void serve(core, sessions, start, request).then((ending) => endings.set(seat, ending))
    })
  }
  const beats: { choice: Choice; call?: Call }[] = []
  for (const [i, choice] of schedule.entries()) {
    if (choice.act === 'tick') {
      now += WINDOW
      beats.push({ choice })
    } else if (choice.act === 'land') {
      const late = store.calls.find(({ fate }) => fate === 'late')
      if (!late) throw new Error(`choice ${i + 1} of the schedule: no call is under way`)
      beats.push({ choice, call: store.land(late) })
    } else {
      const call = store.waiting.find(({ client }) => client === choice.seat)
      if (!call) throw new Error(`choice ${i + 1} of the schedule: no call of ${choice.seat} waits`)
      await move(streams.get(choice.seat)!, () => void act[choice.act](core, store, call))
      beats.push({ choice, call })
    }
  }
  return { beats, endings, records: store.records }
}

const act = {
  release: (_, store, call) => store.release(call),
  refuse: (core, store, call) => store.failBefore(call, errorOf(core, 'refused')),
  lose: (core, store, call) => store.failAfter(call, errorOf(core, 'lost')),
  delay: (core, store, call) => store.failLate(call, errorOf(core, 'lost')),
} as const satisfies Record<string, (core: Core, store: ReturnType<typeof heldStore>, call: Call) => Call>

function errorOf(core: Core, heard: 'refused' | 'lost'): unknown {
  const answer = answerOf(core, heard)
  return 'error' in answer ? answer.error : undefined
}
