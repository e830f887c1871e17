import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { isSessError, type SessionKey, type SessionRecord } from '@sess/core'
import { asExpected, encodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import { changed, type Change, type StoreMutant } from '../mutant.ts'

type Replaced = 'replaced' | 'conflict' | 'missing'
type Touched = 'touched' | 'conflict' | 'missing'

/** The store beyond a socket, of clients with a fault. */
const client = (change: Change): StoreMutant['open'] => {
  const harness = wireOf({ store: (wire) => changed(wireStore(wire), change) })
  return () => harness.open()
}

/** The store beyond a socket, of a server with a fault. */
const server = (serve: () => ByteStore): StoreMutant['open'] => {
  const harness = wireOf({ serve })
  return () => harness.open()
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** How old an answer of the cache of one of these stores may be, in ms. */
const STALE_MS = 300

/** A server whose scripts write numbers as Lua does, with 14 digits. */
class FourteenDigits extends ByteStore {
  override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number): Promise<Touched> {
    return super.touch(key, expected, Number(expiresAt.toPrecision(14)), now)
  }
}

/** A store that compresses payloads, and measures what it stores. */
class Compressing extends ByteStore {
  protected override fits(record: SessionRecord): void {
    super.fits(record)
    super.fits({ ...record, payload: deflateRawSync(record.payload) })
  }

  protected override encode(record: SessionRecord): Buffer {
    return super.encode({ ...record, payload: deflateRawSync(record.payload) })
  }

  protected override decode(bytes: Buffer): SessionRecord | undefined {
    const record = super.decode(bytes)
    return record && { ...record, payload: new Uint8Array(inflateRawSync(record.payload)) }
  }
}

/** A sorted set of all keys by their expiry, which takes later times alone. */
class LaterEnds extends ByteStore {
  readonly #ends = new Map<string, readonly [SessionKey, number]>()

  override async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    const ended = [...this.#ends.values()].filter(([, end]) => end <= until)
    for (const [key] of ended) this.drop(key)
    yield ended.length
  }

  protected override put(key: SessionKey, record: SessionRecord): void {
    super.put(key, record)
    const [, end] = this.#ends.get(nameOf(key)) ?? [key, 0]
    this.#ends.set(nameOf(key), [key, Math.max(end, record.expiresAt)])
  }

  protected override drop(key: SessionKey): void {
    super.drop(key)
    this.#ends.delete(nameOf(key))
  }
}

/** A condition that compares the revision first, and the expiry of what has it. */
class RevisionFirst extends ByteStore {
  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<Replaced> {
    this.fits(record)
    return this.#differs(key, expected) ? 'conflict' : super.replace(key, expected, record, now)
  }

  override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number): Promise<Touched> {
    return this.#differs(key, expected) ? 'conflict' : super.touch(key, expected, expiresAt, now)
  }

  #differs(key: SessionKey, { revision }: ExpectedRecord): boolean {
    const there = this.live(key, -Infinity)
    return there !== undefined && there.revision !== revision
  }
}

/** A table in which a delete is a write with a time, and the latest write wins. */
class Timestamped extends ByteStore {
  readonly #writtenAt = new Map<string, number>()

  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const created = await super.create(key, record, now)
    if (created) this.#writtenAt.set(nameOf(key), now)
    return created
  }

  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<Replaced> {
    const answer = await super.replace(key, expected, record, now)
    if (answer === 'replaced') this.#writtenAt.set(nameOf(key), now)
    return answer
  }

  override async delete(key: SessionKey, now: number): Promise<boolean> {
    if (now >= (this.#writtenAt.get(nameOf(key)) ?? -Infinity)) return super.delete(key, now)
    return this.live(key, now) !== undefined
  }
}

/** A server that answers a request again that it has answered, by the token that the client sends. */
class Idempotent extends ByteStore {
  readonly #created = new Set<string>()

  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const token = createHash('sha256').update(nameOf(key)).update(encodeRecord(record)).digest('hex')
    if (this.#created.has(token)) return true
    const created = await super.create(key, record, now)
    if (created) this.#created.add(token)
    return created
  }
}

export const oneRequest: readonly StoreMutant[] = [
  // create(k, to the year 9999); touch(k, r, to 253402300799999) = touched; read(k).expiresAt = 253402300800000
  {
    name: 'the expiry that a touch writes has 14 digits',
    habit: 'builds the new value in a Lua script, where a number that becomes text is rounded (%.14g)',
    killedBy: ['clock/long-lives'],
    open: server(() => new FourteenDigits()),
  },
  // touch(k, r, t + 1), under way; touch(k, r, t + 2) = touched; read(k).expiresAt = t + 1
  {
    name: 'a touch that meets another of this client and of the same revision is answered as that one',
    habit: 'lets one request serve all callers who ask for the same, by key, as with a read',
    killedBy: ['races/one-client-at-once'],
    open: client((store) => {
      const underWay = new Map<string, Promise<Touched>>()
      return {
        touch: (key, expected, expiresAt, now) => {
          const name = `${nameOf(key)} ${expected.revision}`
          const touch =
            underWay.get(name) ??
            store.touch(key, expected, expiresAt, now).finally(() => {
              underWay.delete(name)
            })
          underWay.set(name, touch)
          return touch
        },
      }
    }),
  },
  // a.delete(k), done, its answer lost; b.create(k) = true; a.delete(k) is sent again = true; read(k) = undefined
  {
    name: 'a delete without an answer is sent again',
    habit: 'retries what the manual calls idempotent, and takes DELETE for that',
    killedBy: ['faults/cut-and-beaten', 'faults/cut-delete'],
    open: client((store) => ({
      delete: async (key, now) => {
        try {
          return await store.delete(key, now)
        } catch (error) {
          if (!isSessError(error, 'unknown_outcome')) throw error
          return store.delete(key, now).catch(() => Promise.reject(error))
        }
      },
    })),
  },
  // create(k, as many random bytes as the traits allow) rejects with too_large
  {
    name: 'the limit of a payload holds for its compressed bytes, which may be more',
    habit: 'compresses what it stores, and checks the length of what it sends',
    killedBy: ['round-trip/largest-payload'],
    open: server(() => new Compressing()),
  },
  // a.read(k) = record; b.delete(k) = true; a.read(k) = record, again and again, each within staleMs of the one before
  {
    name: 'a cached record stays as long as it is read',
    habit: 'uses an LRU cache whose TTL begins again with each hit (updateAgeOnGet)',
    killedBy: ['subjects/seen-within-the-bound'],
    open: client((store) => {
      const cache = new Map<string, { readonly record: ExpectedRecord; at: number }>()
      const copied = (record: ExpectedRecord): ExpectedRecord =>
        asExpected({ ...record, payload: new Uint8Array(record.payload) })
      return {
        traits: Object.freeze({ ...store.traits, staleMs: STALE_MS }),
        read: async (key, now, options) => {
          const at = performance.now()
          const cached = options?.fresh ? undefined : cache.get(nameOf(key))
          if (cached && at - cached.at < STALE_MS) {
            cached.at = at
            return now < cached.record.expiresAt ? copied(cached.record) : undefined
          }
          const record = await store.read(key, now, options)
          if (record) cache.set(nameOf(key), { record: copied(record), at })
          else cache.delete(nameOf(key))
          return record
        },
        create: (key, record, now) => store.create(key, record, now).finally(() => cache.delete(nameOf(key))),
        replace: (key, expected, next, now) =>
          store.replace(key, expected, next, now).finally(() => cache.delete(nameOf(key))),
        touch: (key, expected, expiresAt, now) =>
          store.touch(key, expected, expiresAt, now).finally(() => cache.delete(nameOf(key))),
        delete: (key, now) => store.delete(key, now).finally(() => cache.delete(nameOf(key))),
        async *deleteSubject(subject, now, except) {
          try {
            yield* store.deleteSubject!(subject, now, except)
          } finally {
            cache.clear()
          }
        },
      }
    }),
  },
  // create(k, to t + 3600000); replace(k, r, to t + 1) = replaced; sweep(now t + 60001) = 0
  {
    name: 'a record whose life was made shorter is swept at the end of the longer one',
    habit: 'keeps the expiries in a sorted set with ZADD GT, as a touch never goes back',
    killedBy: ['clock/sweep-takes-whatever-ended', 'clock/sweep-after-sweep'],
    open: server(() => new LaterEnds()),
  },
  // r = a.read(k, to t); b.replace(k, r, to t); a.replace(k, r, now t) = conflict
  {
    name: 'what has expired is a conflict if it has another revision',
    habit: 'compares the revision first, and looks at the expiry of what it is about to write over',
    killedBy: ['clock/model', 'round-trip/model'],
    open: server(() => new RevisionFirst()),
  },
  // a.create(k, now t + 1000); b.delete(k, now t) = true; read(k) = record
  {
    name: 'a delete by a slower clock than that of the last write does nothing',
    habit: 'passes `now` on with USING TIMESTAMP, by which the latest write wins',
    killedBy: ['clock/clocks-apart', 'clock/model'],
    open: server(() => new Timestamped()),
  },
  // create(k, record) = true; delete(k) = true; create(k, the same record) = true; read(k) = undefined
  {
    name: 'a create of what was created before is answered as that one',
    habit: 'sends a hash of the request as its idempotency token (ClientRequestToken)',
    killedBy: ['identity/create-is-exclusive'],
    open: server(() => new Idempotent()),
  },
  // replace(k), its answer lost, rejects; delete(k) rejects with the same error, though the server is there
  {
    name: 'a write that fails fails every later write of this client to its key',
    habit: 'chains the writes to a key with then(), and leaves out the second callback',
    killedBy: ['round-trip/too-large', 'faults/outage-at-write'],
    open: client((store) => {
      const last = new Map<string, Promise<unknown>>()
      const inTurn = <T>(key: SessionKey, write: () => Promise<T>): Promise<T> => {
        const turn = (last.get(nameOf(key)) ?? Promise.resolve()).then(write)
        last.set(nameOf(key), turn)
        return turn
      }
      return {
        create: (key, record, now) => inTurn(key, () => store.create(key, record, now)),
        replace: (key, expected, next, now) => inTurn(key, () => store.replace(key, expected, next, now)),
        touch: (key, expected, expiresAt, now) => inTurn(key, () => store.touch(key, expected, expiresAt, now)),
        delete: (key, now) => inTurn(key, () => store.delete(key, now)),
      }
    }),
  },
]
