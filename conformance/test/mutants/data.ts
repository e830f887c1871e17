import { memoryStore, type SessionKey, type SessionRecord } from '@sess/core'
import { asExpected, type ExpectedRecord } from '@sess/core/adapter'
import { changed, from, store, type StoreMutant } from './mutant.ts'

type Bytes = (payload: Uint8Array) => Uint8Array

/** A store that changes payloads on their way in. */
const payloads = (name: string, killedBy: readonly string[], change: Bytes): StoreMutant =>
  store(name, killedBy, (it) => ({
    create: (key, record, now) => it.create(key, { ...record, payload: change(record.payload) }, now),
    replace: (key, expected, record, now) =>
      it.replace(key, expected, { ...record, payload: change(record.payload) }, now),
  }))

/** A store that takes another key than it is given. */
const keys = (name: string, killedBy: readonly string[], at: (key: SessionKey) => SessionKey): StoreMutant =>
  store(name, killedBy, (it) => ({
    read: (key, now) => it.read(at(key), now),
    create: (key, record, now) => it.create(at(key), record, now),
    replace: (key, expected, record, now) => it.replace(at(key), expected, record, now),
    touch: (key, expected, expiresAt, now) => it.touch(at(key), expected, expiresAt, now),
    delete: (key, now) => it.delete(at(key), now),
  }))

/** Two namespaces that are one, as far as some methods go. */
function bleeding(
  name: string,
  killedBy: readonly string[],
  methods: readonly ('read' | 'list' | 'deleteSubject' | 'count' | 'sweep')[],
): StoreMutant {
  const all = new Set<ReturnType<typeof memoryStore>>()
  return {
    name,
    killedBy,
    open: async () => {
      const own = memoryStore()
      all.add(own)
      const it = changed(own, () => ({
        ...(methods.includes('read') && {
          async read(key: SessionKey, now: number) {
            for (const one of all) {
              const record = await one.read(key, now)
              if (record) return record
            }
            return undefined
          },
        }),
        ...(methods.includes('list') && {
          async *list(subject, now) {
            for (const one of all) yield* one.list!(subject, now)
          },
        }),
        ...(methods.includes('deleteSubject') && {
          async *deleteSubject(subject, now, except) {
            for (const one of all) yield* one.deleteSubject!(subject, now, except)
          },
        }),
        ...(methods.includes('count') && {
          async *count(now: number) {
            for (const one of all) yield* one.count!(now)
          },
        }),
        ...(methods.includes('sweep') && {
          async *sweep(now: number) {
            for (const one of all) yield* one.sweep!(now)
          },
        }),
      }))
      return { store: it, connect: async () => it, close: async () => void all.delete(own) }
    },
  }
}

/** Stores that give back something else than they were given. */
export const data: readonly StoreMutant[] = [
  payloads('the length of a payload has 16 bits', ['round-trip/sizes-between'], (payload) =>
    payload.subarray(0, payload.length % 2 ** 16),
  ),
  store('a shorter payload is written over the start of a longer one', ['round-trip/sizes-between'], (it) => ({
    async replace(key, expected, record, now) {
      const old = (await it.read(key, now))?.payload.subarray(record.payload.length) ?? new Uint8Array()
      const payload = Buffer.concat([record.payload, old])
      return it.replace(key, expected, { ...record, payload }, now)
    },
  })),
  store('what is read lies in one buffer, which the next read takes', ['round-trip/sizes-between'], (it) => {
    const buffer = new Uint8Array(2 ** 20)
    return {
      async read(key, now) {
        const record = await it.read(key, now)
        if (!record) return undefined
        buffer.set(record.payload)
        return asExpected({ ...record, payload: buffer.subarray(0, record.payload.length) })
      },
    }
  }),
  payloads('the payload is text', ['round-trip/every-byte', 'round-trip/largest-payload'], (payload) =>
    Buffer.from(Buffer.from(payload).toString()),
  ),
  payloads('the payload ends at its first zero', ['round-trip/every-byte'], (payload) => {
    const end = payload.indexOf(0)
    return end < 0 ? payload : payload.slice(0, end)
  }),
  payloads('the last byte is lost', ['round-trip/every-byte', 'round-trip/data', 'round-trip/model'], (payload) =>
    payload.slice(0, -1),
  ),
  payloads('an empty payload gets a byte', ['round-trip/empty-payload', 'round-trip/model'], (payload) =>
    payload.length ? payload : Buffer.from([0]),
  ),
  from(
    '`Buffer.from(payload.buffer)`',
    payloads(
      'a view is stored with all that it is a view of',
      ['round-trip/views-of-bytes'],
      (payload) => new Uint8Array(payload.buffer),
    ),
  ),
  payloads('the payload ends after 64 KiB', ['round-trip/largest-payload'], (payload) => payload.slice(0, 65_536)),
  store('an empty payload is a missing record', ['round-trip/empty-payload', 'round-trip/model'], (it) => ({
    async read(key, now) {
      const record = await it.read(key, now)
      return record?.payload.length ? record : undefined
    },
  })),
  store('what it gives out is what it keeps', ['round-trip/no-alias-out'], (it) => {
    const held = new Map<string, ExpectedRecord>()
    return {
      async read(key: SessionKey, now: number) {
        const record = await it.read(key, now)
        const before = held.get(key.id)
        if (!record || before?.revision === record.revision) return record && before
        held.set(key.id, record)
        return record
      },
    }
  }),
  store('what it is given is what it keeps', ['round-trip/no-alias-in'], (it) => {
    const held = new Map<string, Uint8Array>()
    return {
      async create(key, record, now) {
        const created = await it.create(key, record, now)
        if (created) held.set(key.id, record.payload)
        return created
      },
      async read(key, now) {
        const record = await it.read(key, now)
        const payload = record?.revision === 1 ? held.get(key.id) : undefined
        return record && payload ? asExpected({ ...record, payload: new Uint8Array(payload) }) : record
      },
    }
  }),
  store('what a list gives out is what it keeps', ['round-trip/no-alias-listed'], (it) => {
    const held = new Map<string, SessionRecord>()
    return {
      async *list(subject, now) {
        for await (const [key, record] of it.list!(subject, now)) {
          if (!held.has(key.id)) held.set(key.id, record)
          yield [key, held.get(key.id)!] as const
        }
      },
    }
  }),
  store(
    'replace writes over the start of the old payload',
    ['round-trip/replace', 'round-trip/model', 'round-trip/views-of-bytes'],
    (it) => ({
      async replace(key, expected, record, now) {
        const tail = (await it.read(key, now))?.payload.slice(record.payload.length) ?? []
        return it.replace(key, expected, { ...record, payload: Buffer.from([...record.payload, ...tail]) }, now)
      },
    }),
  ),
  store('replace forgets the subject', ['round-trip/replace'], (it) => ({
    async replace(key, expected, { revision, expiresAt, payload }, now) {
      return it.replace(key, expected, { revision, expiresAt, payload }, now)
    },
  })),
  store(
    'touch writes an empty payload',
    ['round-trip/touch', 'races/read-only-reverts-nothing', 'clock/model'],
    (it) => ({
      async touch(key, expected, expiresAt, now) {
        const answer = await it.touch(key, expected, expiresAt, now)
        const live = await it.read(key, now)
        if (answer === 'touched' && live) await it.replace(key, live, { ...live, payload: new Uint8Array() }, now)
        return answer
      },
    }),
  ),
  store(
    'a create starts at revision 1, whatever it is given',
    ['round-trip/replace-conflict', 'round-trip/large-revision'],
    (it) => ({
      create: (key, record, now) => it.create(key, { ...record, revision: 1 }, now),
    }),
  ),
  store(
    'a replace counts the revision by itself, from where it stands, twice',
    ['round-trip/replace', 'round-trip/record-of-a-session'],
    (it) => ({
      replace: (key, expected, record, now) =>
        it.replace(key, expected, { ...record, revision: record.revision + 1 }, now),
    }),
  ),
  keys('the tag is no part of the key', ['identity/both-parts'], (key) => ({ ...key, tag: 'a'.repeat(12) })),
  keys('case is folded', ['identity/case-matters'], ({ tag, id }) => ({
    tag: tag.toLowerCase(),
    id: id.toLowerCase(),
  })),
  keys('a dash is an underscore', ['identity/any-alphabet'], ({ tag, id }) => ({
    tag: tag.replaceAll('-', '_'),
    id: id.replaceAll('-', '_'),
  })),
  bleeding('one namespace reads another’s records', ['identity/namespaces'], ['read']),
  bleeding('one namespace lists another’s records', ['identity/namespaces-of-subjects'], ['list']),
  bleeding('one namespace revokes another’s records', ['identity/namespaces-of-subjects'], ['deleteSubject']),
  bleeding('one namespace counts another’s records', ['identity/namespaces-counted'], ['count']),
  bleeding('one namespace sweeps another’s records', ['identity/namespaces-swept'], ['sweep']),
]
