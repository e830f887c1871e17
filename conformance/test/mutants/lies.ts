import { memoryStore, SessError, type SessionKey, type SessionStore, type StoreTraits } from '@sess/core'
import { sum } from '@sess/core/adapter'
import { changed, page, store, type Change, type StoreMutant } from './mutant.ts'

const claiming =
  (traits: Partial<StoreTraits>): Change =>
  (it) => ({ traits: Object.freeze({ ...it.traits, ...traits }) })

/** Stores that say what is not so. */
export const lies: readonly StoreMutant[] = [
  store(
    'missing is reported as replaced',
    ['round-trip/missing', 'races/told-of-logout', 'races/replace-never-creates'],
    (it) => ({
      async replace(key, expected, record, now) {
        const answer = await it.replace(key, expected, record, now)
        return answer === 'missing' ? 'replaced' : answer
      },
    }),
  ),
  store('missing is reported as a conflict', ['round-trip/missing', 'clock/expired-is-missing'], (it) => ({
    async replace(key, expected, record, now) {
      const answer = await it.replace(key, expected, record, now)
      return answer === 'missing' ? 'conflict' : answer
    },
  })),
  store(
    'a conflict is reported as missing',
    ['round-trip/replace-conflict', 'races/two-replaces', 'races/disjoint-keys'],
    (it) => ({
      async replace(key, expected, record, now) {
        const answer = await it.replace(key, expected, record, now)
        return answer === 'conflict' ? 'missing' : answer
      },
    }),
  ),
  store('a conflict is an error', ['round-trip/replace-conflict'], (it) => ({
    async replace(key, expected, record, now) {
      const answer = await it.replace(key, expected, record, now)
      if (answer === 'conflict') throw new SessError('conflict', 'another writer came between')
      return answer
    },
  })),
  store('a missing record is an error', ['round-trip/missing', 'identity/unknown-is-no-write'], (it) => ({
    async read(key, now) {
      const record = await it.read(key, now)
      if (!record) throw new Error('not found')
      return record
    },
  })),
  store('a missing record is null', ['round-trip/missing'], (it) => ({
    read: async (key, now) => (await it.read(key, now)) ?? (null as never),
  })),
  store(
    'a delete always says that a record went',
    ['round-trip/delete', 'round-trip/missing', 'rotation-login/revoke-one'],
    (it) => ({
      delete: async (key, now) => (await it.delete(key, now)) || true,
    }),
  ),
  store('a create on a live key is an error', ['identity/create-is-exclusive'], (it) => ({
    async create(key, record, now) {
      if (await it.create(key, record, now)) return true
      throw new SessError('conflict', 'the key is taken')
    },
  })),
  store('an outage is a missing record', ['life-cycle/use-after-close'], (it) => ({
    read: (key, now) => it.read(key, now).catch(() => undefined),
  })),
  store('what is too large is cut', ['round-trip/too-large'], (it) => ({
    create: (key, record, now) =>
      it.create(key, { ...record, payload: record.payload.slice(0, it.traits.maxPayloadBytes) }, now),
  })),
  store('what is too large deletes what was there', ['round-trip/too-large'], (it) => ({
    async replace(key, expected, record, now) {
      if (record.payload.length > it.traits.maxPayloadBytes) await it.delete(key, now)
      return it.replace(key, expected, record, now)
    },
  })),
  store('too large is no typed error', ['round-trip/too-large'], (it) => ({
    async create(key, record, now) {
      if (record.payload.length > it.traits.maxPayloadBytes) throw new RangeError('too large')
      return it.create(key, record, now)
    },
  })),
  store('it claims twice the size that it takes', ['round-trip/largest-payload'], (it) => ({
    traits: Object.freeze({ ...it.traits, maxPayloadBytes: 2 * it.traits.maxPayloadBytes }),
  })),
  store('it takes more than it claims', ['round-trip/too-large'], (it) => ({
    traits: Object.freeze({ ...it.traits, maxPayloadBytes: it.traits.maxPayloadBytes / 2 }),
  })),
  store('the size that it takes is that of a create alone', ['round-trip/largest-payload'], (it) => ({
    async replace(key, expected, record, now) {
      if (record.payload.length > 65_536) throw new SessError('too_large', 'the payload is too large')
      return it.replace(key, expected, record, now)
    },
  })),
  store('it has a list, and cannot list', ['life-cycle/methods-claimed', 'subjects/list'], () => ({
    // oxlint-disable-next-line require-yield
    async *list() {
      throw new SessError('unsupported', 'no list')
    },
  })),
  store('it lists, and cannot revoke', ['life-cycle/methods-claimed'], () => ({ deleteSubject: undefined as never })),
  store('its traits can be changed', ['life-cycle/traits'], (it) => ({ traits: { ...it.traits } })),
  store('its traits make no sense', ['life-cycle/traits'], claiming({ staleMs: -1 })),
  {
    name: 'another client claims something else',
    killedBy: ['life-cycle/traits-are-constant'],
    open: async () => {
      const it = memoryStore()
      const other: SessionStore = changed(it, claiming({ maxPayloadBytes: 2048 }))
      return { store: it, connect: async () => other, close: async () => {} }
    },
  },
  store(
    'a revocation says one too many',
    ['subjects/revoke-all', 'clock/expired-not-revoked', 'rotation-login/revoke-subject'],
    (it) => ({
      async *deleteSubject(subject, now, except) {
        yield* it.deleteSubject!(subject, now, except)
        yield 1
      },
    }),
  ),
  store('a count is never more than a thousand', ['scale/ten-thousand-counted'], (it) => ({
    count: (now) => page(async () => Math.min(1000, await sum(it.count!(now)))),
  })),
  {
    name: 'it holds five thousand records, and drops the oldest for a new one',
    habit: '`new LRUCache({ max: 5000 })`',
    killedBy: ['scale/ten-thousand-counted', 'scale/ten-thousand-listed'],
    open: async () => {
      const held: SessionKey[] = []
      const it = changed(memoryStore(), (sound) => ({
        async create(key, record, now) {
          if (held.push(key) > 5000) await sound.delete(held.shift()!, now)
          return sound.create(key, record, now)
        },
      }))
      return { store: it, connect: async () => it, close: async () => {} }
    },
  },
]
