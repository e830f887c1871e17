import { expect, test } from 'vitest'
import { memoryStore, type SessionStore } from './index.ts'
import { sum, wrapStore } from './adapter.ts'

const key = { tag: 'a'.repeat(12), id: 'b'.repeat(16) }
const record = { revision: 1, expiresAt: 1000, payload: new Uint8Array(1) }

test('a wrapped store calls the wrapper’s methods, and the inner store for the rest', async () => {
  const store = memoryStore()
  const calls: string[] = []
  class Counted {
    readonly name = 'counted'
    readonly traits = { staleMs: 5 }
    readonly #calls = calls
    read(...args: Parameters<SessionStore['read']>) {
      this.#calls.push('read')
      return store.read(...args)
    }
  }
  const wrapped = wrapStore(store, new Counted())
  await wrapped.create(key, record, 0)
  expect([(await wrapped.read(key, 0))?.revision, await sum(wrapped.count!(0)), calls]).toEqual([1, 1, ['read']])
  expect([wrapped.name, wrapped.traits]).toEqual(['counted', { ...store.traits, staleMs: 5 }])
  expect(Object.isFrozen(wrapped.traits)).toBe(true)
})

test('a wrapped store has only the methods of the inner store, whatever methods the wrapper has', () => {
  const { list: _, sweep: __, ...bare } = memoryStore()
  const around = { list: memoryStore().list!, count: memoryStore().count! }
  expect(Object.keys(wrapStore(bare, around)).toSorted()).toEqual(Object.keys(bare).toSorted())
})
