import { SessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { asExpected, encodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

const opened = (Store: new (client: WireClient) => KvStore): StoreMutant['open'] => {
  const harness = wireOf({ serve: () => new KvServer(), store: (client) => new Store(client) })
  return () => harness.open()
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

type Found = NonNullable<Awaited<ReturnType<KvStore['find']>>>
type Replaced = 'replaced' | 'conflict' | 'missing'
type Touched = 'touched' | 'conflict' | 'missing'

export const readsFirst: readonly StoreMutant[] = [
  // r1 = a.read(k); b.replace(k, r1); a.read(k) = r2; a.replace(k, r1) = replaced
  {
    name: 'a replace compares the version that this client saw last under the key, and not the one of `expected`',
    habit: 'keeps the ETags in a Map by key',
    killedBy: ['round-trip/replace-conflict'],
    open: opened(
      class extends KvStore {
        readonly #seen = new Map<string, Found>()

        protected override async find(key: SessionKey): Promise<Found | undefined> {
          const found = await super.find(key)
          if (found) this.#seen.set(nameOf(key), found)
          else this.#seen.delete(nameOf(key))
          return found
        }

        override async replace(
          key: SessionKey,
          expected: ExpectedRecord,
          record: SessionRecord,
          now: number,
        ): Promise<Replaced> {
          this.fits(record)
          const seen = this.#seen.get(nameOf(key))
          this.#seen.delete(nameOf(key))
          if (seen && now < seen.record.expiresAt && (await this.put(key, seen.version, record))) return 'replaced'
          return super.replace(key, expected, record, now)
        }
      },
    ),
  },
  // r = a.read(k); b.touch(k, r, later) = touched; a.replace(k, r) = conflict
  {
    name: 'a replace takes a version that has changed for a conflict, though only a touch changed it',
    habit: 'sends If-Match with the ETag that was read, and passes 412 on',
    killedBy: ['races/touch-is-no-conflict'],
    open: opened(
      class extends KvStore {
        readonly #etags = new WeakMap<ExpectedRecord, number>()

        override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
          const found = await this.live(key, now)
          if (!found) return undefined
          const record = asExpected(found.record)
          this.#etags.set(record, found.version)
          return record
        }

        override async replace(
          key: SessionKey,
          expected: ExpectedRecord,
          record: SessionRecord,
          now: number,
        ): Promise<Replaced> {
          const etag = this.#etags.get(expected)
          if (etag === undefined || now >= expected.expiresAt) return super.replace(key, expected, record, now)
          this.fits(record)
          if (await this.put(key, etag, record)) return 'replaced'
          return (await this.live(key, now)) ? 'conflict' : 'missing'
        }
      },
    ),
  },
  // a.touch(k, later), its write under way; b.delete(k) = true; a.touch = touched; read(k) = record
  {
    name: 'a touch holds a lock of its own process, and writes whatever is there by then',
    habit: 'makes reading and writing one step with async-mutex',
    killedBy: ['races/delete-meets-touch'],
    open: opened(
      class extends KvStore {
        #last: Promise<unknown> = Promise.resolve()

        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          return this.#alone(() => super.create(key, record, now))
        }

        override async replace(
          key: SessionKey,
          expected: ExpectedRecord,
          record: SessionRecord,
          now: number,
        ): Promise<Replaced> {
          return this.#alone(() => super.replace(key, expected, record, now))
        }

        override async touch(
          key: SessionKey,
          expected: ExpectedRecord,
          expiresAt: number,
          now: number,
        ): Promise<Touched> {
          return this.#alone(async () => {
            const found = await this.live(key, now)
            if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
            if (expiresAt > found.record.expiresAt)
              await this.tell('set', nameOf(key), encodeRecord({ ...found.record, expiresAt }))
            return 'touched'
          })
        }

        override async delete(key: SessionKey, now: number): Promise<boolean> {
          return this.#alone(() => super.delete(key, now))
        }

        #alone<T>(run: () => Promise<T>): Promise<T> {
          const done = this.#last.then(run)
          this.#last = done.catch(() => {})
          return done
        }
      },
    ),
  },
  // a.delete(k), its second request under way; b.touch(k, later) = touched; a.delete = false; read(k) = record
  {
    name: 'a delete gives up if somebody writes between its read and its write',
    habit: 'takes a condition that failed for a record that is gone',
    killedBy: ['races/late-requests'],
    open: opened(
      class extends KvStore {
        override async delete(key: SessionKey, now: number): Promise<boolean> {
          const found = await this.find(key)
          if (!found) return false
          return (await this.remove(key, found.version)) && now < found.record.expiresAt
        }
      },
    ),
  },
  // create(k, a payload of maxPayloadBytes, a subject of 1,024 bytes) rejects: too_large
  {
    name: 'the largest payload does not fit beside a long subject',
    habit: 'leaves 256 bytes of the largest value for all that is not payload, since a user ID is a UUID',
    killedBy: ['round-trip/largest-payload'],
    open: opened(
      class extends KvStore {
        protected override put(key: SessionKey, version: number, record: SessionRecord): Promise<boolean> {
          if (encodeRecord(record).length > this.traits.maxPayloadBytes + 256)
            throw new SessError('too_large', 'the value is too large')
          return super.put(key, version, record)
        }
      },
    ),
  },
  // create(k), the last answer lost, rejects: store_unavailable; read(k) = record
  {
    name: 'a create looks at what it wrote, and if this look fails it promises that nothing was written',
    habit: 'reads back after a write, to be sure, and passes on the error of the read',
    killedBy: ['races/sweep-meets-create'],
    open: opened(
      class extends KvStore {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          if (!(await super.create(key, record, now))) return false
          if (!(await this.find(key))) throw new Error('the record is not there, or not any more')
          return true
        }
      },
    ),
  },
  // create(k1, k2 of ann); deleteSubject(ann), the connection lost after its first request, ends well; read(k1) = record
  {
    name: 'deleteSubject ends well though some of its deletes failed',
    habit: 'runs a page of deletes with Promise.allSettled, and counts those that were done',
    killedBy: ['faults/cut-delete-subject'],
    open: opened(
      class extends KvStore {
        override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
          for await (const page of this.pages(subject.tag)) {
            const theirs = page.filter(({ key, record }) => record.subject === subject.id && key.id !== except?.id)
            const ends = await Promise.allSettled(theirs.map(({ key }) => this.delete(key, now)))
            yield ends.filter((end) => end.status === 'fulfilled' && end.value).length
          }
        }
      },
    ),
  },
  // create(k1, k2 of ann); a page of deleteSubject(ann, except k2); delete(k2) = true; the other pages; read(k2) = record
  {
    name: 'deleteSubject deletes the record under `except` too, and puts it back at the end',
    habit: 'deletes the whole partition of a user, then saves the current session again',
    killedBy: ['subjects/excepted-stays'],
    open: opened(
      class extends KvStore {
        override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
          const kept = except && (await this.find(except))
          for await (const page of this.pages(subject.tag))
            for (const { key, record } of page)
              if (record.subject === subject.id) yield Number((await this.delete(key, now)) && key.id !== except?.id)
          if (kept?.record.subject === subject.id) await this.put(kept.key, 0, kept.record)
        }
      },
    ),
  },
  // create(50 records that end at t, and after them k, which ends later); all(now t) = nothing
  {
    name: 'all ends at a page in which every record has expired',
    habit: 'filters on the server, and takes an empty page for the end, as with Scan of DynamoDB',
    killedBy: ['subjects/pages-past-expired'],
    open: opened(
      class extends KvStore {
        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for await (const page of this.pages('')) {
            const live = page.filter(({ record }) => now < record.expiresAt)
            if (live.length === 0) return
            for (const { key, record } of live) yield [key, record]
          }
        }
      },
    ),
  },
  // create(k1, k2, both long ended); a page of sweep; b.create(k2) = true; the other pages; read(k2) = undefined
  {
    name: 'a sweep removes what it saw as expired, though it has been created anew since',
    habit: 'collects the keys of a page, then removes them without a condition',
    killedBy: ['races/sweep-meets-create'],
    open: opened(
      class extends KvStore {
        override async *sweep(now: number): AsyncIterable<number> {
          const until = Math.min(now, Date.now()) - GRACE_MS
          for await (const page of this.pages(''))
            for (const { key, record } of page) if (record.expiresAt <= until) yield Number(await this.remove(key))
        }
      },
    ),
  },
]
