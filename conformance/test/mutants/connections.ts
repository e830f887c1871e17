import { setTimeout } from 'node:timers/promises'
import { memoryStore } from '@sess/core'
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
  served('a restart loses what was deleted, and brings it back', ['faults/restart'], (it) => {
    const deleted: Parameters<typeof it.create>[] = []
    return {
      async delete(key, now) {
        const record = await it.read(key, now)
        if (record) deleted.push([key, { ...record }, now])
        return it.delete(key, now)
      },
      async read(key, now) {
        // The first read of another record after a delete stands for the restart.
        const lost = deleted.shift()
        if (lost && lost[0].id !== key.id) await it.create(...lost)
        else if (lost) deleted.unshift(lost)
        return it.read(key, now)
      },
    }
  }),
]
