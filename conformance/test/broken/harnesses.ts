import { memoryStore, type SessionStore } from '@sess/core'
import { asExpected } from '@sess/core/adapter'
import type { Harness, Space } from '../../src/index.ts'

/** A memory store, but for what is given. */
function spaceOf(own: Partial<Space> = {}, store: SessionStore = memoryStore()): Space {
  return { store, connect: async () => store, close: async () => {}, ...own }
}

const never = (): Promise<never> => new Promise(() => {})

/** A memory store, but for some methods. */
function storeWith(change: (sound: SessionStore) => Partial<SessionStore>): SessionStore {
  const sound = memoryStore()
  const own = change(sound)
  return new Proxy(sound, {
    get(target, name: keyof SessionStore) {
      const value: unknown = own[name] ?? target[name]
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Writes whatever is there, as most session stores do. */
const overwriting = (): SessionStore =>
  storeWith((sound) => ({
    async replace(key, _, record, now) {
      const live = await sound.read(key, now)
      return live ? sound.replace(key, live, record, now) : 'missing'
    },
  }))

const shared = memoryStore()
let opened = 0

/** Harnesses that fall short, and stores that do. */
export const broken: Readonly<Record<string, Harness>> = {
  'throws-at-open': { name: 'throws at open', open: () => Promise.reject(new Error('ECONNREFUSED 127.0.0.1:6379')) },
  'hangs-at-open': { name: 'hangs at open', open: never },
  'opens-rubbish': { name: 'opens rubbish', open: async () => ({ stores: [] }) as never },
  'shares-state': { name: 'shares state', open: async () => spaceOf({}, shared) },
  'is-not-empty': {
    name: 'is not empty',
    open: async () => {
      const store = memoryStore()
      const record = { revision: 1, expiresAt: Date.now() + 60_000, payload: new Uint8Array(1) }
      await store.create({ tag: 'a'.repeat(12), id: 'a'.repeat(16) }, record, Date.now())
      return spaceOf({}, store)
    },
  },
  'cannot-connect': {
    name: 'cannot connect',
    open: async () => spaceOf({ connect: () => Promise.reject(new Error('too many clients')) }),
  },
  'connects-elsewhere': {
    name: 'connects elsewhere',
    open: async () => spaceOf({ connect: async () => memoryStore() }),
  },
  'connects-to-rubbish': {
    name: 'connects to rubbish',
    open: async () => spaceOf({ connect: async () => ({}) as never }),
  },
  'throws-at-close': {
    name: 'throws at close',
    open: async () => spaceOf({ close: () => Promise.reject(new Error('busy')) }),
  },
  'hangs-at-close': { name: 'hangs at close', open: async () => spaceOf({ close: never }) },
  'swaps-replace': {
    name: 'swaps what is expected and what comes',
    open: async () =>
      spaceOf(
        {},
        storeWith((sound) => ({
          replace: (key, next, expected, now) => sound.replace(key, asExpected(expected), { ...next }, now),
        })),
      ),
  },
  'swaps-touch': {
    name: 'swaps what is expected and the time',
    open: async () =>
      spaceOf(
        {},
        storeWith((sound) => ({
          touch: (key, expiresAt, expected, now) => sound.touch(key, expected as never, expiresAt as never, now),
        })),
      ),
  },
  'names-no-argument': {
    name: 'names no argument',
    process: { module: import.meta.url },
    open: async () => spaceOf(),
  },
  'names-another-module': {
    name: 'names another module',
    process: { module: new URL('../memory-harness.ts', import.meta.url) },
    open: async () => spaceOf({ argument: 'x' }),
  },
  'deviates-from-nothing': {
    name: 'deviates from nothing',
    open: async () => spaceOf(),
    deviations: { 'races/no-such-case': { reason: 'hard', issue: 'https://example.com/1' } },
  },
  'deviates-without-reason': {
    name: 'deviates without reason',
    open: async () => spaceOf(),
    deviations: { 'races/increments': { reason: '', issue: 'https://example.com/1' } },
  },
  'fails-later': {
    name: 'fails later',
    open: async () => {
      if (opened++ > 4) throw new Error('no more databases')
      return spaceOf()
    },
  },
  'hanging-replace': {
    name: 'hanging replace',
    open: async () =>
      spaceOf(
        {},
        storeWith(() => ({ replace: never })),
      ),
  },
  'hanging-read': {
    name: 'hanging read',
    open: async () =>
      spaceOf(
        {},
        storeWith(() => ({ read: never })),
      ),
  },
  overwrites: { name: 'overwrites', open: async () => spaceOf({}, overwriting()) },
  deviates: {
    name: 'deviates',
    open: async () => spaceOf({}, overwriting()),
    deviations: {
      'races/stale-replace': { reason: 'its server cannot compare', issue: 'https://example.com/1' },
      'round-trip/delete': { reason: 'it was so once', issue: 'https://example.com/2' },
    },
  },
  strays: {
    name: 'strays',
    open: async () =>
      spaceOf(
        {},
        storeWith((sound) => ({
          delete(key, now) {
            void Promise.reject(new Error('left alone'))
            return sound.delete(key, now)
          },
        })),
      ),
  },
}

export const harness: Harness | undefined = broken[process.env.BROKEN ?? '']
