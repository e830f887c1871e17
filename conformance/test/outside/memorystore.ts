import type { SessionRecord, SessionStore } from '@sess/core'
import session, { type SessionData } from 'express-session'
import memorystore from 'memorystore'
import type { Harness } from '../../src/index.ts'
import { nameOf, recordOf, storedOf, TRAITS, type Stored } from './record.ts'

const MemoryStore = memorystore(session)

/**
 * memorystore, a store for express-session: `get`, `set`, `destroy` and `touch` by name. What it has no answer for it is
 * not given one: `set` says nothing of what was there before.
 */
function outside(): SessionStore {
  const it = new MemoryStore({})
  const get = (name: string): Promise<Stored | undefined> =>
    new Promise((resolve, reject) =>
      it.get(name, (error: unknown, found) =>
        error ? reject(error as Error) : resolve((found as unknown as { stored: Stored } | undefined)?.stored),
      ),
    )
  const data = (record: SessionRecord): SessionData => {
    const maxAge = record.expiresAt - Date.now()
    return { cookie: { maxAge, originalMaxAge: maxAge }, stored: storedOf(record) } as unknown as SessionData
  }
  const call = (run: (done: (error?: unknown) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => run((error) => (error ? reject(error as Error) : resolve())))
  const set = (name: string, record: SessionRecord): Promise<void> => call((done) => it.set(name, data(record), done))
  return {
    name: 'memorystore',
    traits: TRAITS,
    read: async (key) => {
      const found = await get(nameOf(key))
      return found && recordOf(found)
    },
    create: async (key, record) => {
      await set(nameOf(key), record)
      return true
    },
    replace: async (key, _, record) => {
      await set(nameOf(key), record)
      return 'replaced'
    },
    touch: async (key, expected, expiresAt) => {
      await call((done) => it.touch(nameOf(key), data({ ...expected, expiresAt }), done))
      return 'touched'
    },
    delete: async (key) => {
      await call((done) => it.destroy(nameOf(key), done))
      return true
    },
  }
}

/** memorystore on trial, without a hand to help it. */
export const harness: Harness = {
  name: 'memorystore 1.6.8, a store for express-session',
  open: async () => {
    const store = outside()
    return { store, connect: async () => store, close: async () => {} }
  },
}
