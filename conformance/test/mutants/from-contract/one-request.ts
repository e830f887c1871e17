import { setTimeout } from 'node:timers/promises'
import { memoryStore, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { asExpected, SessError, type ExpectedRecord } from '@sess/core/adapter'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import { changed, type Change, type StoreMutant } from '../mutant.ts'

/** A fault in the client of a store that makes one request a call. */
function client(name: string, habit: string, killedBy: readonly string[], change: Change): StoreMutant {
  const { open } = wireOf({ serve: memoryStore, store: (wire) => changed(wireStore(wire), change) })
  return { name, habit, killedBy, open }
}

/** A fault in what the server of such a store does. */
function server(name: string, habit: string, killedBy: readonly string[], serve: () => SessionStore): StoreMutant {
  return { name, habit, killedBy, open: wireOf({ serve }).open }
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** Broken stores of one request a call, each against a sentence of the contract. */
export const oneRequest: readonly StoreMutant[] = [
  client(
    'an anonymous record comes back with an empty subject',
    '`subject ?? ""`, for a column that is NOT NULL',
    ['round-trip/every-byte'],
    (it) => ({
      read: async (...values) => {
        const record = await it.read(...values)
        return record && asExpected({ subject: '', ...record })
      },
    }),
  ),
  server(
    'a touch compares the expiry as well as the revision',
    'the whole of `expected` is compared, to be safe',
    ['clock/rounding'],
    () =>
      new (class extends ByteStore {
        override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
          const there = this.live(key, now)
          return there && there.expiresAt !== expected.expiresAt
            ? ('conflict' as const)
            : super.touch(key, expected, expiresAt, now)
        }
      })(),
  ),
  server(
    'the size of a payload is looked at by create alone',
    'the check stands where the first record is written',
    ['round-trip/too-large'],
    () =>
      new (class extends ByteStore {
        override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
          const there = this.live(key, now)
          if (there?.revision !== expected.revision) return there ? ('conflict' as const) : ('missing' as const)
          this.put(key, record)
          return 'replaced' as const
        }
      })(),
  ),
  client('the traits are not frozen', 'a plain object literal', ['life-cycle/traits'], (it) => ({
    traits: { ...it.traits },
  })),
  client(
    'a revocation begins when it is called, not at its first step',
    'a promise made at once, awaited by a generator',
    ['subjects/revoke-begins-when-asked'],
    (it) => ({
      deleteSubject: (...values) => {
        const pages: (number | undefined)[] = []
        const done = (async () => {
          for await (const page of it.deleteSubject!(...values)) pages.push(page)
        })()
        done.catch(() => {})
        return (async function* () {
          await done
          yield* pages
        })()
      },
    }),
  ),
  client(
    'reads of one key that are under way are shared, fresh ones too',
    'a loader that merges equal requests',
    ['races/fresh-read-is-its-own'],
    (it) => {
      const under = new Map<string, Promise<ExpectedRecord | undefined>>()
      return {
        read(key, ...rest) {
          const known = under.get(nameOf(key))
          if (known) return known
          const read = it.read(key, ...rest).finally(() => under.delete(nameOf(key)))
          under.set(nameOf(key), read)
          return read
        },
      }
    },
  ),
  client(
    'a touch answers before it is written',
    'touches are gathered for 20 ms: nobody waits for one',
    ['round-trip/touch', 'clock/touch-lengthens'],
    (it) => ({
      touch: async (key, expected, expiresAt, now) => {
        const there = await it.read(key, now)
        if (there?.revision !== expected.revision) return there ? 'conflict' : 'missing'
        void setTimeout(20)
          .then(() => it.touch(key, expected, expiresAt, now))
          .catch(() => {})
        return 'touched'
      },
    }),
  ),
  client(
    'after close what works in pages ends at once, as if there were nothing',
    '`if (closed) return` in a generator',
    ['life-cycle/use-after-close'],
    (it) => {
      let closed = false
      const open = <T>(items: AsyncIterable<T>): AsyncIterable<T> =>
        (async function* () {
          if (!closed) yield* items
        })()
      return {
        list: (...values) => open(it.list!(...values)),
        all: (...values) => open(it.all!(...values)),
        count: (...values) => open(it.count!(...values)),
        deleteSubject: (...values) => open(it.deleteSubject!(...values)),
        sweep: (...values) => open(it.sweep!(...values)),
        close: async () => {
          closed = true
          await it.close!()
        },
      }
    },
  ),
  client(
    'payloads are read into a ring of 32 buffers',
    'a pool, to spare the garbage collector',
    ['round-trip/returned-stays', 'round-trip/sizes-between'],
    (it) => {
      const ring = Array.from({ length: 32 }, () => new Uint8Array(it.traits.maxPayloadBytes))
      let next = 0
      return {
        read: async (...values) => {
          const record = await it.read(...values)
          if (!record) return undefined
          const buffer = ring[next++ % ring.length]!
          buffer.set(record.payload)
          return asExpected({ ...record, payload: buffer.subarray(0, record.payload.length) })
        },
      }
    },
  ),
  client('a count is kept for a second', 'a dashboard asks for it all the time', ['subjects/count'], (it) => {
    let kept: { readonly pages: number[]; readonly at: number } | undefined
    let closed = false
    return {
      async *count(now) {
        if (closed) throw new SessError('store_unavailable', 'the wire store was closed')
        if (!kept || performance.now() - kept.at > 1000) {
          const pages: number[] = []
          for await (const page of it.count!(now)) pages.push(page)
          kept = { pages, at: performance.now() }
        }
        yield* kept.pages
      },
      close: async () => {
        closed = true
        await it.close!()
      },
    }
  }),
]
