import type { ExpectedRecord, SessionRecord, SessionStore } from '@sess/core'
import { Keyv } from 'keyv'
import type { Harness } from '../../src/index.ts'
import { nameOf, recordOf, storedOf, TRAITS, type Stored } from './record.ts'

/**
 * keyv, a key-value library with TTLs, used with care: everything that its callers could look at before they write is
 * looked at. What is left is what no care can mend without a compare-and-set.
 */
function outside(): SessionStore {
  const it = new Keyv()
  const read = async (name: string, now: number): Promise<ExpectedRecord | undefined> => {
    const found = (await it.get(name)) as Stored | undefined
    return found && now < found.expiresAt ? recordOf(found) : undefined
  }
  const write = async (name: string, record: SessionRecord): Promise<void> => {
    await it.set(name, storedOf(record), Math.max(1, record.expiresAt - Date.now() + 60_000))
  }
  return {
    name: 'keyv',
    traits: TRAITS,
    read: (key, now) => read(nameOf(key), now),
    create: async (key, record, now) => {
      if (await read(nameOf(key), now)) return false
      await write(nameOf(key), record)
      return true
    },
    replace: async (key, expected, record, now) => {
      const there = await read(nameOf(key), now)
      if (there?.revision !== expected.revision) return there ? 'conflict' : 'missing'
      await write(nameOf(key), record)
      return 'replaced'
    },
    touch: async (key, expected, expiresAt, now) => {
      const there = await read(nameOf(key), now)
      if (there?.revision !== expected.revision) return there ? 'conflict' : 'missing'
      if (expiresAt > there.expiresAt) await write(nameOf(key), { ...there, expiresAt })
      return 'touched'
    },
    delete: async (key, now) => {
      const there = await read(nameOf(key), now)
      await it.delete(nameOf(key))
      return there !== undefined
    },
  }
}

/** keyv on trial. */
export const harness: Harness = {
  name: 'keyv 6.1.0, a key-value library',
  open: async () => {
    const store = outside()
    return { store, connect: async () => store, close: async () => {} }
  },
}
