import { isSessError, memoryStore, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import { changed, type Change, type StoreMutant } from '../mutant.ts'

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

/** An index of subjects whose entries end with the record that was written last. */
class EndingIndex extends ByteStore {
  readonly #ends = new Map<string, number>()

  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    this.#end(subject, now)
    yield* super.list(subject, now)
  }

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    this.#end(subject, now)
    yield* super.deleteSubject(subject, now, except)
  }

  protected override put(key: SessionKey, record: SessionRecord): void {
    super.put(key, record)
    if (record.subject === undefined) return
    this.#ends.set(this.entryOf({ id: record.subject, tag: key.tag }), record.expiresAt + GRACE_MS)
  }

  #end(subject: Subject, now: number): void {
    const entry = this.entryOf(subject)
    if (now >= (this.#ends.get(entry) ?? Infinity)) this.entries.delete(entry)
  }
}

/** A store that keeps when a subject was revoked, for the logins that are under way. */
class RevokedSince extends ByteStore {
  readonly #since = new Map<string, number>()

  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const created = await super.create(key, record, now)
    const since = this.#since.get(this.entryOf({ id: record.subject ?? '', tag: key.tag })) ?? -Infinity
    if (created && now < since) this.drop(key)
    return created
  }

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    this.#since.set(this.entryOf(subject), now)
    yield* super.deleteSubject(subject, now, except)
  }
}

/** A server that takes an expiry of more than 30 days for a time in seconds since 1970, as Memcached does. */
class AtMostAMonth extends ByteStore {
  protected override put(key: SessionKey, record: SessionRecord): void {
    super.put(key, record)
    const seconds = Math.ceil((record.expiresAt + GRACE_MS - Date.now()) / 1000)
    if (seconds > 30 * 24 * 60 * 60) this.drop(key)
  }
}

/** An index whose keys have at most 250 characters. */
class ShortNames extends ByteStore {
  protected override entryOf(subject: Subject): string {
    return super.entryOf(subject).slice(0, 250)
  }
}

export const oneRequest: readonly StoreMutant[] = [
  // create(k to t); r = read(k); delete(k); touch(k, r, to t) = touched
  {
    name: 'a touch that gains nothing over the record that was read is answered without a request',
    habit: 'spares the round trip of a write that would change nothing',
    killedBy: ['round-trip/missing'],
    open: client((store) => ({
      touch: async (key, expected, expiresAt, now) =>
        expiresAt > expected.expiresAt ? store.touch(key, expected, expiresAt, now) : 'touched',
    })),
  },
  // r = a.read(k); b.replace(k, r, "b") = replaced; a.replace(k, r, "a"), lost on its way = replaced; read(k) = "b"
  {
    name: 'a replace without an answer counts as done if the revision that it was to write is there',
    habit: 'finds out about a lost answer by the version number, as if nobody else could have written it',
    killedBy: ['faults/cut-replace-beaten'],
    open: client((store) => ({
      replace: async (key, expected, next, now) => {
        try {
          return await store.replace(key, expected, next, now)
        } catch (error) {
          const there = isSessError(error, 'unknown_outcome') && (await store.read(key, now).catch(() => undefined))
          if (there && there.revision === next.revision) return 'replaced'
          throw error
        }
      },
    })),
  },
  // b.create(k) = true; a.create(k), its answer lost, rejects; read(k) = undefined
  {
    name: 'a create without an answer is undone by a delete',
    habit: 'compensates for a step that failed, as a saga does',
    killedBy: ['faults/cut-and-beaten'],
    open: client((store) => ({
      create: async (key, record, now) => {
        try {
          return await store.create(key, record, now)
        } catch (error) {
          if (isSessError(error, 'unknown_outcome')) await store.delete(key, now).catch(() => {})
          throw error
        }
      },
    })),
  },
  // create(k); a.read(k) = r; b.delete(k) = true; a.read(k), the connection lost = r
  {
    name: 'a read that fails answers with what the last one found',
    habit: 'serves what is stale if there is an error, as an HTTP cache may',
    killedBy: ['faults/down'],
    open: client((store) => {
      const known = new Map<string, ExpectedRecord>()
      return {
        read: async (key, now, options) => {
          try {
            const record = await store.read(key, now, options)
            if (record) known.set(nameOf(key), structuredClone(record))
            else known.delete(nameOf(key))
            return record
          } catch (error) {
            const record = known.get(nameOf(key))
            if (record && now < record.expiresAt) return structuredClone(record)
            throw error
          }
        },
        close: async () => {
          known.clear()
          await store.close!()
        },
      }
    }),
  },
  // a.read(k) = undefined; b.create(k) = true; a.read(k, fresh) = undefined
  {
    name: 'a fresh read passes by the records of the cache, and not by what it holds as missing',
    habit: 'caches misses in a place of their own, in front of everything, against floods of invalid cookies',
    killedBy: ['round-trip/model'],
    open: client((store) => {
      const staleMs = 1000
      const missing = new Map<string, number>()
      const records = new Map<string, readonly [at: number, record: ExpectedRecord]>()
      const isFresh = (at = -Infinity): boolean => performance.now() - at < staleMs
      const forget = (key: SessionKey): void => {
        missing.delete(nameOf(key))
        records.delete(nameOf(key))
      }
      return {
        traits: Object.freeze({ ...memoryStore().traits, staleMs }),
        read: async (key, now, options) => {
          const name = nameOf(key)
          const [at, cached] = records.get(name) ?? []
          if (isFresh(missing.get(name))) return undefined
          if (!options?.fresh && cached && isFresh(at) && now < cached.expiresAt) return structuredClone(cached)
          const began = performance.now()
          const record = await store.read(key, now, options)
          forget(key)
          if (record) records.set(name, [began, structuredClone(record)])
          else missing.set(name, began)
          return record
        },
        create: (key, record, now) => store.create(key, record, now).finally(() => forget(key)),
        replace: (key, expected, next, now) => store.replace(key, expected, next, now).finally(() => forget(key)),
        touch: (key, expected, end, now) => store.touch(key, expected, end, now).finally(() => forget(key)),
        delete: (key, now) => store.delete(key, now).finally(() => forget(key)),
        close: async () => {
          missing.clear()
          records.clear()
          await store.close!()
        },
      }
    }),
  },
  // create(k1 of ann, for an hour; k2 of ann, for a minute); ten minutes later: deleteSubject(ann) = 0; read(k1) = record
  {
    name: 'the index of a subject ends with the record that was written last, and not with the one that ends last',
    habit: 'sets EXPIRE on the set of a user after each SADD, with the TTL at hand',
    killedBy: ['subjects/index-outlives-the-shortest'],
    open: server(() => new EndingIndex()),
  },
  // create(k of ann); deleteSubject(ann), of which nobody asks for a page; read(k) = undefined
  {
    name: 'deleteSubject begins when it is called, and not when the first page is asked for',
    habit: 'sends the request in a plain function, and returns an iterator over its answer',
    killedBy: ['subjects/revoke-begins-when-asked'],
    open: client((store) => ({
      deleteSubject: (subject, now, except) => {
        const pages = Array.fromAsync(store.deleteSubject!(subject, now, except))
        pages.catch(() => {}) // told to whoever iterates
        return (async function* () {
          yield* await pages
        })()
      },
    })),
  },
  // deleteSubject(ann, now 10,000); create(k of ann, now 9,999), by a clock that is slow = true; read(k) = undefined
  {
    name: 'a session that is created after deleteSubject, by a clock that is slower, counts as revoked',
    habit: 'keeps a time from which the tokens of a user are valid, as with JWTs, and compares clocks of two servers',
    killedBy: ['subjects/revoked-stays-dead'],
    open: server(() => new RevokedSince()),
  },
  // create(k, for 31 days) = true; read(k) = undefined
  {
    name: 'a record that is to live for more than 30 days is gone at once',
    habit: 'gives Memcached the seconds that are left, of which it takes more than 30 days for a date',
    killedBy: ['clock/long-lives'],
    open: server(() => new AtMostAMonth()),
  },
  // create(k of 'a' × 300 + '1'); list('a' × 300 + '2', of the same tag) = k
  {
    name: 'subjects that begin with the same 237 characters share an entry of the index',
    habit: 'cuts a key to the length that the server takes, and does not compare the subject of what it finds',
    killedBy: ['subjects/names-alike'],
    open: server(() => new ShortNames()),
  },
]
