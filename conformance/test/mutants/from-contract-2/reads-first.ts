import {
  isSessError,
  memoryStore,
  type SessionKey,
  type SessionRecord,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { asExpected, sum, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

/** A fault in a store that reads before it writes, each a request of its own. */
function made(
  name: string,
  habit: string,
  killedBy: readonly string[],
  Store: new (client: WireClient) => KvStore,
): StoreMutant {
  const { open } = wireOf({ serve: () => new KvServer(), store: (wire) => new Store(wire) })
  return { name, habit, killedBy, open }
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** Remembers the version of what was read, with the record. */
class Tokens extends KvStore {
  readonly #versions = new WeakMap<ExpectedRecord, number>()

  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const found = await this.live(key, now)
    if (!found) return undefined
    const record = asExpected(found.record)
    this.#versions.set(record, found.version)
    return record
  }

  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const version = this.#versions.get(expected)
    if (version === undefined || now >= expected.expiresAt) return super.replace(key, expected, record, now)
    this.fits(record)
    if (await this.put(key, version, record)) return 'replaced'
    return (await this.live(key, now)) ? 'conflict' : 'missing'
  }
}

/** A cache in front that keeps what was read for a second. */
class Cached extends KvStore {
  override readonly traits: StoreTraits = Object.freeze({ ...memoryStore().traits, staleMs: 1000 })
  readonly #cache = new Map<string, { readonly until: number; readonly record: SessionRecord }>()
  #writes = 0

  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const [writes, until] = [this.#writes, performance.now() + this.traits.staleMs]
    let record = this.#cached(key)
    if (!record) {
      record = (await this.find(key))?.record
      if (record && writes === this.#writes) this.#cache.set(nameOf(key), { until, record })
    }
    if (!record || now >= record.expiresAt) return undefined
    return asExpected({ ...record, payload: new Uint8Array(record.payload) })
  }

  protected override put(key: SessionKey, version: number, record: SessionRecord): Promise<boolean> {
    return this.#written(key, super.put(key, version, record))
  }

  protected override remove(key: SessionKey, version?: number): Promise<boolean> {
    return this.#written(key, super.remove(key, version))
  }

  #cached(key: SessionKey): SessionRecord | undefined {
    const entry = this.#cache.get(nameOf(key))
    return entry && performance.now() < entry.until ? entry.record : undefined
  }

  async #written<T>(key: SessionKey, write: Promise<T>): Promise<T> {
    try {
      return await write
    } finally {
      this.#writes++
      this.#cache.delete(nameOf(key))
    }
  }
}

/** Broken stores that read before they write, a second set against sentences of the contract. */
export const readsFirst: readonly StoreMutant[] = [
  // k has expired; client 1: create(k) has looked; client 2: create(k) = true; client 1 goes on = true, too
  made(
    'a create first removes the expired record that it saw, whatever is there by then',
    'to clear the place, and then put if absent',
    ['identity/late-create-over-expired'],
    class extends KvStore {
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        this.fits(record)
        for (;;) {
          const found = await this.find(key)
          if (found && now < found.record.expiresAt) return false
          if (found) await this.remove(key)
          if (await this.put(key, 0, record)) return true
        }
      }
    },
  ),
  // client 1: r = read(k); client 2: touch(k) = touched; client 1: replace(k, r) = conflict, of the same revision
  made(
    'a replace after a touch is a conflict',
    "the server's own version for the revision: remembered at a read, and each other version is a conflict",
    ['races/touch-is-no-conflict'],
    Tokens,
  ),
  // client 1: delete(k) has looked; client 2: touch(k) = touched; client 1 goes on = false; read(k) = a record
  made(
    'a delete gives up when the record has changed since it looked',
    'delete if the version is still the one that was read, once',
    ['subjects/revoke-meets-replace'],
    class extends KvStore {
      override async delete(key: SessionKey, now: number): Promise<boolean> {
        const found = await this.find(key)
        if (!found) return false
        const removed = await this.remove(key, found.version)
        return removed && now < found.record.expiresAt
      }
    },
  ),
  // r = create(k, to now + 10 s); touch(k, r, now + 60 s) = touched; touch(k, r, now + 30 s) = touched; read(k) ends at now + 30 s
  made(
    'a touch is later if it is later than what the caller knows',
    '`expected.expiresAt`, which is at hand, instead of what is stored',
    ['races/touches-meet'],
    class extends KvStore {
      override async touch(
        key: SessionKey,
        expected: ExpectedRecord,
        expiresAt: number,
        now: number,
      ): Promise<'touched' | 'conflict' | 'missing'> {
        for (;;) {
          const found = await this.live(key, now)
          if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
          if (expiresAt <= expected.expiresAt) return 'touched'
          if (await this.put(key, found.version, { ...found.record, expiresAt })) return 'touched'
        }
      }
    },
  ),
  // create 50 records of bob and then, of the same tag and behind them, one of ann; list(ann) = nothing
  made(
    'a list ends at the first page without a record of its subject',
    '`while (items.length > 0)`, of what is left of a page after the filter',
    ['subjects/one-tag-many-subjects'],
    class extends KvStore {
      override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
        for await (const page of this.pages(subject.tag)) {
          const own = page.filter(({ record }) => record.subject === subject.id && now < record.expiresAt)
          if (own.length === 0) return
          for (const { key, record } of own) yield [key, record]
        }
      }
    },
  ),
  // create(k of ann); deleteSubject(ann), of which no step is asked for; a little later read(k) = undefined
  made(
    'deleteSubject is at work before its first step is asked for',
    'a promise that is made at the call, with a generator around it for the type',
    ['subjects/revoke-begins-when-asked'],
    class extends KvStore {
      override deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
        const deleted = sum(super.deleteSubject(subject, now, except))
        deleted.catch(() => {}) // who asks for the step is told
        return (async function* () {
          yield await deleted
        })()
      }
    },
  ),
  // create 60 records; the first of all(); close(); the other steps of all() are 49 records and then the end, instead of an error
  made(
    'what goes through pages ends quietly when the store has been closed',
    'errors during a shutdown are expected, and nobody is to hear of them',
    ['life-cycle/use-after-close'],
    class extends KvStore {
      #closed = false

      override async close(): Promise<void> {
        this.#closed = true
        await super.close()
      }

      protected override async *pages(prefix: string): ReturnType<KvStore['pages']> {
        try {
          yield* super.pages(prefix)
        } catch (error) {
          if (!this.#closed) throw error
        }
      }
    },
  ),
  // client 1: replace(k, r1, r2 "a") has looked; client 2: replace(k, r1, r2 "b") = replaced; client 1 is cut off = replaced
  made(
    "a replace whose answer is lost takes another's record of the same revision for its own",
    'to find out by reading: the new revision is there, so the write was done',
    ['faults/cut-replace-beaten'],
    class extends KvStore {
      override async replace(
        key: SessionKey,
        expected: ExpectedRecord,
        record: SessionRecord,
        now: number,
      ): Promise<'replaced' | 'conflict' | 'missing'> {
        try {
          return await super.replace(key, expected, record, now)
        } catch (error) {
          if (!isSessError(error, 'unknown_outcome')) throw error
          const there = await this.live(key, now).catch(() => undefined)
          if (there?.record.revision === record.revision) return 'replaced'
          throw error
        }
      }
    },
  ),
  // create(k1, k2 of ann); client 1: a first step of deleteSubject(ann, except k1); client 2: read(k1) = undefined
  made(
    'deleteSubject deletes the excepted record too, and puts it back at the end',
    'a deletion of all that begins with a prefix, which knows no exception',
    ['subjects/excepted-stays'],
    class extends KvStore {
      override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
        const kept = except && (await this.live(except, now))
        for await (const page of this.pages(subject.tag))
          for (const { key, record } of page)
            if (record.subject === subject.id) {
              const deleted = await this.delete(key, now)
              yield Number(deleted && key.id !== kept?.key.id)
            }
        if (kept) await this.put(kept.key, 0, kept.record)
      }
    },
  ),
  // traits.staleMs is 1000; client 1: read(k); client 2: replace(k) = replaced; client 1: read(k, fresh) = the old record
  made(
    'a fresh read comes out of the cache as well',
    'options that came later, and that the cache passes by',
    ['races/delete-meets-replace'],
    Cached,
  ),
]
