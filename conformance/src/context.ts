import { randomBytes } from 'node:crypto'
import { createSessions, type SessionRecord, type SessionStore } from '@sess/core'
import type { CaseContext, Harness, RunOptions, Space } from './contract.ts'
import { losingStore } from './losing-store.ts'
import { runInProcesses } from './process.ts'
import type { Recorder } from './recorder.ts'
import { HarnessError } from './result.ts'
import type { Task } from './task.ts'

const PEPPER = 'a pepper of the conformance kit'

/** Makes the context of a case. @param signal - Kills the other processes of the case. */
export function contextOf(
  harness: Harness,
  space: Space,
  recorder: Recorder,
  { seed = 1, path, effort = 1, createSessions: create = createSessions }: RunOptions,
  signal: AbortSignal,
): CaseContext {
  const { now } = recorder
  const store = recorder.wrap(space.store)
  return {
    harness: recordedHarness(harness, recorder),
    space: recorded(space, recorder),
    now,
    seed,
    ...(path !== undefined && { path }),
    store,
    rounds: (full) => Math.max(1, Math.ceil(full * effort)),
    key: (tag = randomBytes(9).toString('base64url')) => ({ tag, id: randomBytes(12).toString('base64url') }),
    record: (parts: Partial<SessionRecord> = {}) => ({
      revision: 1,
      expiresAt: now + 60_000,
      payload: Buffer.from('payload'),
      ...parts,
    }),
    sessions(time = { now }, it = store, options = {}) {
      const { seal, ...rest } = { seal: harness.seal, ...options }
      return create({
        store: it,
        clock: () => time.now,
        pepper: PEPPER,
        log: false,
        // A sweep by a timer would be a call of the store that the case does not expect.
        sweepEvery: false,
        ...(seal && { seal }),
        ...rest,
      })
    },
    faulty: (...kinds) => {
      const { store: it, faults } = space.faults?.offers.some((offered) => kinds.includes(offered))
        ? { store, faults: space.faults }
        : losingStore(store)
      return { store: it, faults: recorder.wrapFaults(faults) }
    },
    processes(count: number, task: Task | ((index: number) => Task)) {
      const { module } = harness.process ?? {}
      const { argument } = space
      if (module === undefined || argument === undefined)
        throw new HarnessError('the harness must name a process module, and open() an argument for it')
      const tasks = Array.from({ length: count }, (_, i) => (typeof task === 'function' ? task(i) : task))
      const answers = recorder.call('processes', tasks.map(({ kind }) => kind).join(', '), () =>
        runInProcesses(module, argument, tasks, signal),
      )
      // If the case fails while the processes run, nothing waits for their answers.
      answers.catch(() => {})
      return answers
    },
  }
}

/** Calls the harness and records the call. @throws {HarnessError} For every failure, to separate it from a failure of the store. */
async function asked<T>(recorder: Recorder, what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await recorder.call('harness', what, run)
  } catch (cause) {
    throw new HarnessError(`${what} failed`, { cause })
  }
}

/** Wraps the harness: it records the calls in further namespaces. */
function recordedHarness(harness: Harness, recorder: Recorder): Harness {
  const open = async (): Promise<Space> => recorded(await asked(recorder, 'open()', () => harness.open()), recorder)
  return Object.create(harness, { open: { value: open } }) as Harness
}

/** Wraps a space: it records the calls of its members. */
function recorded(space: Space, recorder: Recorder): Space {
  const { restart, ping, demotion } = space
  const store = recorder.wrap(space.store)
  /** The harness's store, by the wrapped store that the case has. */
  const given = new Map<SessionStore, SessionStore>([[store, space.store]])
  return {
    ...space,
    store,
    connect: async () => {
      const store = await asked(recorder, 'connect()', () => space.connect())
      if (typeof store?.read !== 'function') throw new HarnessError('connect() must resolve to a store')
      const wrapped = recorder.wrap(store)
      given.set(wrapped, store)
      return wrapped
    },
    ...(ping && { ping: (of) => recorder.call('harness', 'ping()', () => ping.call(space, given.get(of)!)) }),
    close: () => asked(recorder, 'close()', () => space.close()),
    ...(demotion && {
      demotion: {
        demote: () => asked(recorder, 'demote()', () => demotion.demote()),
        promote: () => asked(recorder, 'promote()', () => demotion.promote()),
      },
    }),
    ...(restart && { restart: () => asked(recorder, 'restart()', () => restart.call(space)) }),
  }
}
