import { memoryStore, type SessionStore } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import type { Harness } from '../../src/index.ts'
import { wireHarness } from '../wire/harness.ts'
import { changed, tick, type StoreMutant } from './mutant.ts'

/** Its replace looks, waits a moment, and writes without looking again. */
function slowToWrite(store: SessionStore): SessionStore {
  return changed(store, () => ({
    async replace(key, expected, record, now) {
      const live = await store.read(key, now)
      if (live?.revision !== expected.revision) return live ? 'conflict' : 'missing'
      await tick()
      await store.delete(key, now)
      await store.create(key, record, now)
      return 'replaced'
    },
  }))
}

/** What it has read once it does not ask for again. */
function forgetful(store: SessionStore): SessionStore {
  const cache = new Map<string, ExpectedRecord>()
  return changed(store, () => ({
    async read(key, now, options) {
      const cached = options?.fresh ? undefined : cache.get(key.id)
      const record = cached ?? (await store.read(key, now))
      if (record) cache.set(key.id, record)
      return record
    },
  }))
}

const shared = (client: (store: SessionStore) => SessionStore): Harness['open'] => {
  return async () => {
    const store = memoryStore()
    return { store: client(store), connect: async () => client(store), close: async () => {} }
  }
}

/** Stores that only several clients at once, and a look at all that they were told, can convict. */
export const histories: readonly StoreMutant[] = [
  {
    name: 'replace looks, waits and writes',
    killedBy: ['races/history-of-clients', 'subjects/history-of-revocation'],
    open: shared(slowToWrite),
  },
  {
    name: 'a client has a cache, and does not say so',
    killedBy: ['races/history-of-clients'],
    open: shared(forgetful),
  },
  {
    ...wireHarness({ store: () => slowToWrite(memoryStore()) }),
    name: 'the server looks, waits and writes',
    killedBy: ['races/history-of-processes'],
  },
  {
    ...wireHarness({ flaw: 'resends' }),
    name: 'a client sends again what it has no answer for',
    killedBy: ['faults/history-of-cuts'],
  },
]
