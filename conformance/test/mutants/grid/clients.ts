import { setTimeout } from 'node:timers/promises'
import { isSessError, memoryStore, SessError, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { asExpected, type AnyRecord } from '@sess/core/adapter'
import { changed, from, store, type Change, type StoreMutant } from '../mutant.ts'
import { client } from './bases.ts'

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** Calls a method that works in pages at once, and gives its pages later. */
const eager =
  (name: 'list' | 'sweep'): Change =>
  (it) => ({
    [name]: (...values: never[]) => {
      const pages: unknown[] = []
      const done = (async () => {
        for await (const page of (it[name] as (...all: never[]) => AsyncIterable<unknown>)(...values)) pages.push(page)
      })()
      done.catch(() => {})
      return (async function* () {
        await done
        yield* pages
      })()
    },
  })

/** Calls of a method on one key that are under way share an answer. */
const shared = (name: 'create' | 'delete') => (): Change => {
  const flights = new Map<string, Promise<boolean>>()
  return (it) => ({
    [name]: (key: SessionKey, ...values: never[]) => {
      const flight = flights.get(nameOf(key))
      if (flight) return flight
      const call = it[name] as (at: SessionKey, ...all: never[]) => Promise<boolean>
      const made = call.call(it, key, ...values).finally(() => flights.delete(nameOf(key)))
      flights.set(nameOf(key), made)
      return made
    },
  })
}

/** The clock of this process, if it is ahead of the time that the caller gives. */
const later = (now: number): number => Math.max(now, Date.now())

/** The stores of all namespaces that are open. */
const everywhere = new Set<SessionStore>()

/** Faults in the client of a store, and in a store of this process. */
export const clients: readonly StoreMutant[] = [
  client(() => (it) => {
    const decoded = (subject: string): string => new TextDecoder().decode(Buffer.from(subject))
    return {
      read: async (...values) => {
        const record = (await it.read(...values)) as AnyRecord as SessionRecord | undefined
        if (record?.subject === undefined) return record && asExpected(record)
        return asExpected({ ...record, subject: decoded(record.subject) })
      },
    }
  })(
    'a byte order mark before a subject is lost',
    '`new TextDecoder().decode(bytes)`, which removes it unless `ignoreBOM` is set',
    ['round-trip/subjects-through-all'],
  ),
  client(() => (it) => ({
    async *list(...values) {
      for await (const [key, record] of it.list!(...values))
        yield [key, { ...record, payload: record.payload.slice(0, 65_536) }]
    },
  }))(
    'a list gives the first 64 KiB of a payload',
    '`substr(payload, 1, 65536)`: a list is for a page that shows sessions',
    ['round-trip/payloads-through-all'],
  ),
  client(() => {
    let isClosed = false
    return (it) => ({
      async *all(now) {
        if (!isClosed) yield* it.all!(now)
      },
      close: async () => {
        isClosed = true
        await it.close!()
      },
    })
  })('after close a list of all is empty', 'the check was added to each method but the newest', [
    'life-cycle/use-after-close',
  ]),
  client(() => eager('list'))(
    'a list is read when it is called, not at its first step',
    'a promise made at once, awaited by a generator',
    ['subjects/pages-begin-when-asked'],
  ),
  client(() => eager('sweep'))(
    'a sweep runs when it is called, not at its first step',
    'a promise made at once, awaited by a generator: the timer of the sweeper asks for no page',
    ['subjects/pages-begin-when-asked'],
  ),
  client(() => (it) => ({
    create: async (key, record, now) => {
      if (await it.create(key, record, now)) return true
      const there = await it.read(key, now, { fresh: true })
      return (
        there !== undefined &&
        there.expiresAt === record.expiresAt &&
        Buffer.compare(there.payload, record.payload) === 0
      )
    },
  }))(
    'a create of the same record once more says that it created one',
    'idempotent writes, for whoever sends one again',
    ['identity/create-is-exclusive'],
  ),
  client(() => (it) => ({
    create: async (key, record, now) => {
      try {
        return await it.create(key, record, now)
      } catch (error) {
        if (!isSessError(error, 'unknown_outcome')) throw error
        if ((await it.read(key, now, { fresh: true }))?.revision === 1) return true
        throw error
      }
    },
  }))(
    'a create whose answer is lost takes the record of another for its own',
    'read afterwards: a record of revision 1 can only be the new one',
    ['faults/cut-and-beaten'],
  ),
  client(() => (it) => ({
    delete: async (key, now) => {
      try {
        return await it.delete(key, now)
      } catch (error) {
        if (!isSessError(error, 'unknown_outcome') || (await it.read(key, now, { fresh: true }))) throw error
        return true
      }
    },
  }))(
    'a delete whose answer is lost takes the delete of another for its own',
    'read afterwards: what is gone was deleted',
    ['faults/cut-and-beaten'],
  ),
  client(shared('create'))(
    'two creates of a key at once by one client are one',
    'a single flight for each key, meant for reads, around all methods',
    ['races/history-of-clients', 'identity/racing-creates'],
  ),
  client(shared('delete'))(
    'two deletes of a key at once by one client are one',
    'a double click on “log out” should cost one request',
    ['races/history-of-clients'],
  ),
  client(() => (it) => ({
    delete: (key, now) =>
      Promise.race([
        it.delete(key, now),
        setTimeout(400, undefined, { ref: false }).then(() => {
          throw new SessError('store_unavailable', 'the server does not answer')
        }),
      ]),
  }))(
    'a delete gives up after 400 ms, and promises that nothing was deleted',
    'one time-out around all methods, and one error for it',
    ['faults/held-up'],
  ),
  client(() => (it) => ({
    touch: (key, expected, expiresAt, now) =>
      Promise.race([it.touch(key, expected, expiresAt, now), setTimeout(400, 'touched' as const, { ref: false })]),
  }))('a touch that takes more than 400 ms answers touched', 'nobody waits for a touch', ['faults/hung']),
  client(() => {
    let isClosed = false
    return (it) => {
      const ending = async <T>(call: Promise<T>): Promise<T> => {
        try {
          return await call
        } catch (error) {
          if (!isClosed || !isSessError(error, 'unknown_outcome')) throw error
          return await new Promise<T>(() => {})
        }
      }
      return {
        read: (...values) => ending(it.read(...values)),
        create: (...values) => ending(it.create(...values)),
        delete: (...values) => ending(it.delete(...values)),
        close: async () => {
          isClosed = true
          await it.close!()
        },
      }
    }
  })(
    'a call that is under way when its client closes never ends',
    'the socket is destroyed, and its listeners are removed first, so that nothing is logged',
    ['life-cycle/close-meets-calls'],
  ),
  ...(
    [
      ['a list', { list: (it) => ({ list: (subject, now) => it.list!(subject, later(now)) }) }],
      ['a count', { count: (it) => ({ count: (now) => it.count!(later(now)) }) }],
      [
        'a revocation',
        {
          revoke: (it) => ({ deleteSubject: (subject, now, except) => it.deleteSubject!(subject, later(now), except) }),
        },
      ],
    ] as const satisfies readonly (readonly [string, Readonly<Record<string, Change>>])[]
  ).map(([what, changes]) =>
    from(
      '`now()` of SQL, where the other methods take the time that they are given',
      // Where expired records go by themselves the models play at the present time, and not a day earlier.
      store(`${what} goes by the store’s clock, where a client’s is behind`, ['clock/clocks-apart'], (it) => ({
        sweep: undefined as never,
        ...(Object.values(changes)[0] as Change)(it),
      })),
    ),
  ),
  from(
    'the record is put into a Map as it came, with a copy of its payload beside it',
    store('a create keeps the record object that it is given', ['round-trip/no-alias-in'], (it) => {
      const kept = new Map<string, SessionRecord>()
      return {
        create: async (key, record, now) => {
          const isCreated = await it.create(key, record, now)
          if (isCreated) kept.set(nameOf(key), record)
          return isCreated
        },
        read: async (key, ...values) => {
          const read = await it.read(key, ...values)
          const record = kept.get(nameOf(key))
          return read && record && read.revision === 1
            ? asExpected({ ...read, revision: record.revision } as SessionRecord)
            : read
        },
      }
    }),
  ),
  from(
    'decoded records are kept by their revision, and their payloads copied',
    store('a read gives out the record that it keeps', ['round-trip/no-alias-out'], (it) => {
      const kept = new Map<string, SessionRecord>()
      return {
        read: async (key, ...values) => {
          const read = await it.read(key, ...values)
          if (!read) return undefined
          const name = `${nameOf(key)} ${read.revision} ${read.expiresAt} ${Buffer.from(read.payload).toString('hex')}`
          if (!kept.has(name)) kept.set(name, { ...read } as SessionRecord)
          return asExpected(Object.assign(kept.get(name)!, { payload: read.payload }))
        },
      }
    }),
  ),
  from(
    'the touched record is written from `expected`, which holds all but the time',
    store('a touch keeps the bytes that the caller holds', ['round-trip/no-alias-in'], (it) => {
      const kept = new Map<string, Uint8Array>()
      return {
        touch: async (key, expected, expiresAt, now) => {
          const answer = await it.touch(key, expected, expiresAt, now)
          if (answer === 'touched') kept.set(`${nameOf(key)} ${expected.revision}`, expected.payload)
          return answer
        },
        read: async (key, ...values) => {
          const read = await it.read(key, ...values)
          const payload = read && kept.get(`${nameOf(key)} ${read.revision}`)
          return payload ? asExpected({ ...read, payload: new Uint8Array(payload) } as SessionRecord) : read
        },
      }
    }),
  ),
  {
    name: 'a list of all is of all namespaces',
    habit: 'the prefix was forgotten in the newest query',
    killedBy: ['identity/namespaces-listed'],
    open: async () => {
      const own = memoryStore()
      everywhere.add(own)
      const it = changed(own, () => ({
        async *all(now) {
          for (const each of everywhere) yield* each.all!(now)
        },
      }))
      return {
        store: it,
        connect: async () => it,
        close: async () => {
          everywhere.delete(own)
          await own.close!()
        },
      }
    },
  },
]
