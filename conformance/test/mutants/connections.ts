import { setTimeout } from 'node:timers/promises'
import { memoryStore, type SessionStore } from '@sess/core'
import type { Flaw } from '../wire/client.ts'
import { wireHarness } from '../wire/harness.ts'
import { changed, type Change, type StoreMutant } from './mutant.ts'

/** A sound server, and a client that does not know what to do when its connection is lost. */
function flawed(flaw: Flaw, killedBy: readonly string[]): StoreMutant {
  return { ...wireHarness({ flaw }), name: `over a socket: it ${flaw}`, killedBy }
}

/** A store that several processes reach, with a fault. */
function served(name: string, killedBy: readonly string[], change: Change, module?: string): StoreMutant {
  const harness = wireHarness({ store: () => changed(memoryStore(), change) })
  return { ...harness, name, killedBy, ...(module !== undefined && { process: { module } }) }
}

/** Its server writes a log of what is written, reads it at its start, and does not write down what is deleted. */
function afterRestart(): StoreMutant {
  return {
    name: 'a restart brings back what was deleted since the last snapshot',
    habit: 'a log of writes, in which a delete is none',
    killedBy: ['faults/restart'],
    open: async () => {
      const it = memoryStore()
      const log: Parameters<SessionStore['create']>[] = []
      const serving = changed(it, () => ({
        create(...values) {
          log.push(values)
          return it.create(...values)
        },
      }))
      const space = await wireHarness({ store: () => serving }).open()
      return {
        ...space,
        restart: async () => {
          await space.restart!()
          for (const values of log) await it.create(...values)
        },
      }
    },
  }
}

/** Stores beyond a socket: what they make of a lost connection, and of several processes at once. */
export const connections: readonly StoreMutant[] = [
  flawed('takes a loss for missing', ['faults/cut-read', 'faults/cut-create', 'faults/cut-delete-subject']),
  flawed('resends', ['faults/cut-replace', 'faults/cut-delete']),
  flawed('promises too much', [
    'faults/cut-touch',
    'faults/cut-replace',
    'faults/cut-create',
    'faults/history-of-cuts',
  ]),
  flawed('queues', ['faults/down']),
  flawed('misreads', ['faults/mixed-answers']),
  flawed('never returns', ['faults/restart', 'faults/outage-at-write']),
  flawed('is impatient', ['faults/slow-answers']),
  flawed('brings back', ['faults/late-replace']),
  served(
    'its module leaves a timer to the process',
    ['life-cycle/process-ends'],
    () => ({}),
    new URL('../wire/leaking.ts', import.meta.url).href,
  ),
  served('processes overwrite each other', ['races/increments-of-processes'], (it) => ({
    async replace(key, _, record, now) {
      const live = await it.read(key, now)
      return live ? it.replace(key, live, record, now) : 'missing'
    },
  })),
  served('two processes create one key', ['races/creates-of-processes'], (it) => ({
    async create(key, record, now) {
      if (await it.read(key, now)) return false
      // So long that another process, which finds the keys before this one taken, comes up with it.
      await setTimeout(10)
      await it.delete(key, now)
      return it.create(key, record, now)
    },
  })),
  served(
    'a process writes back what another deleted',
    ['races/delete-across-processes', 'races/history-of-processes'],
    (it) => ({
      async replace(key, expected, record, now) {
        const answer = await it.replace(key, expected, record, now)
        if (answer !== 'missing') return answer
        await it.create(key, record, now)
        return 'replaced'
      },
    }),
  ),
  afterRestart(),
]
