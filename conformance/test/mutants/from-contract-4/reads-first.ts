import { isSessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { GRACE_MS } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer, type Versioned } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

const opened = (
  Store: new (client: WireClient) => KvStore,
  serve: () => KvServer = () => new KvServer(),
): StoreMutant['open'] => {
  const harness = wireOf({ serve, store: (client) => new Store(client) })
  return () => harness.open()
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

type Found = NonNullable<Awaited<ReturnType<KvStore['find']>>>

/** A server that counts the versions of each name by itself, from 1. */
class OwnVersions extends KvServer {
  readonly #versions = new Map<string, number>()

  override get(name: string): Versioned | undefined {
    return this.#own(super.get(name))
  }

  override put(name: string, version: number, bytes: Uint8Array): boolean {
    if ((this.#versions.get(name) ?? 0) !== version) return false
    this.set(name, bytes)
    return true
  }

  override set(name: string, bytes: Uint8Array): void {
    super.set(name, bytes)
    this.#versions.set(name, (this.#versions.get(name) ?? 0) + 1)
  }

  override remove(name: string, version?: number): boolean {
    if (version !== undefined && this.#versions.get(name) !== version) return false
    this.#versions.delete(name)
    return super.remove(name)
  }

  override scan(prefix: string, after: string, limit: number): Versioned[] {
    return super.scan(prefix, after, limit).map((value) => this.#own(value)!)
  }

  #own(value: Versioned | undefined): Versioned | undefined {
    return value && { ...value, version: this.#versions.get(value.name)! }
  }
}

/** A server with a second table: the IDs of each subject's sessions, as JSON. */
class WithLists extends KvServer {
  readonly #lists = new Map<string, string>()

  getList(name: string): string | undefined {
    return this.#lists.get(name)
  }

  setList(name: string, json: string): void {
    this.#lists.set(name, json)
  }
}

/** A store that keeps a list of IDs for each subject. An ID is there before its record. */
class ListStore extends KvStore {
  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.fits(record)
    if (record.subject !== undefined)
      await this.#change({ id: record.subject, tag: key.tag }, (ids) => [...new Set(ids).add(key.id)])
    return super.create(key, record, now)
  }

  override async delete(key: SessionKey, now: number): Promise<boolean> {
    const subject = (await this.find(key))?.record.subject
    const deleted = await super.delete(key, now)
    if (subject === undefined) return deleted
    // An ID without its record does no harm.
    await this.#change({ id: subject, tag: key.tag }, (ids) => ids.filter((id) => id !== key.id)).catch(() => {})
    return deleted
  }

  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const id of await this.#idsOf(subject)) {
      const found = await this.live({ tag: subject.tag, id }, now)
      if (found?.record.subject === subject.id) yield [found.key, found.record]
    }
  }

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === subject.tag ? except.id : undefined
    for (const id of await this.#idsOf(subject)) {
      const found = id === spared ? undefined : await this.find({ tag: subject.tag, id })
      if (found?.record.subject === subject.id) yield Number(await this.delete(found.key, now))
    }
  }

  async #idsOf({ tag, id }: Subject): Promise<readonly string[]> {
    return JSON.parse((await this.ask<string | undefined>('getList', `${tag}@${id}`)) ?? '[]') as string[]
  }

  async #change(subject: Subject, change: (ids: readonly string[]) => readonly string[]): Promise<void> {
    const ids = change(await this.#idsOf(subject))
    await this.tell('setList', `${subject.tag}@${subject.id}`, JSON.stringify(ids))
  }
}

export const readsFirst: readonly StoreMutant[] = [
  // create(k, ended a minute ago); a.sweep(), which has read its page; b.create(k) = true; read(k) = undefined
  {
    name: 'a sweep removes by key what is in its page, whatever has taken its place',
    habit: 'collects the keys of a page and deletes them in a batch, which takes no conditions',
    killedBy: ['races/sweep-meets-create', 'races/sweep-meets-touch', 'races/sweep-meets-replace'],
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
  // a.create(k), over what has expired, its write under way; b.delete(k) = false; a.create(k) = false; read(k) = undefined
  {
    name: 'a create whose version has changed answers that a record is there',
    habit: 'takes a failed condition for a lost race, though it may be a sweep that has changed what was there',
    killedBy: ['races/late-requests', 'races/sweep-meets-create'],
    open: opened(
      class extends KvStore {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          this.fits(record)
          const found = await this.find(key)
          if (found && now < found.record.expiresAt) return false
          return this.put(key, found?.version ?? 0, record)
        }
      },
    ),
  },
  // create(50 records of bob, one of ann under the same tag); list(ann) = nothing
  {
    name: 'a list, a count or an `all` ends with a page of which nothing is left to tell',
    habit: 'goes on until a page is empty, where the filter is applied after the page was read (FilterExpression)',
    killedBy: ['subjects/pages-past-expired'],
    open: opened(
      class extends KvStore {
        override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          const pages = this.#filtered(
            subject.tag,
            ({ subject: id, expiresAt }) => id === subject.id && now < expiresAt,
          )
          for await (const page of pages) for (const { key, record } of page) yield [key, record]
        }

        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for await (const page of this.#filtered('', ({ expiresAt }) => now < expiresAt))
            for (const { key, record } of page) yield [key, record]
        }

        override async *count(now: number): AsyncIterable<number> {
          for await (const page of this.#filtered('', ({ expiresAt }) => now < expiresAt)) yield page.length
        }

        async *#filtered(prefix: string, filter: (record: SessionRecord) => boolean): AsyncIterable<readonly Found[]> {
          for await (const page of this.pages(prefix)) {
            const left = page.filter(({ record }) => filter(record))
            if (left.length === 0) return
            yield left
          }
        }
      },
    ),
  },
  // close(); list(ann), count() and deleteSubject(ann) end, as if there were nothing
  {
    name: 'what works in pages comes to its end when the store is closed',
    habit: 'loops while the store is open, so that a shutdown waits for no long job',
    killedBy: ['life-cycle/close-between-pages', 'life-cycle/use-after-close'],
    open: opened(
      class extends KvStore {
        #isOpen = true

        override async close(): Promise<void> {
          this.#isOpen = false
          await super.close()
        }

        protected override async *pages(prefix: string): AsyncIterable<readonly Found[]> {
          if (!this.#isOpen) return
          for await (const page of super.pages(prefix)) {
            yield page
            if (!this.#isOpen) return
          }
        }
      },
    ),
  },
  // create(2 records of ann); deleteSubject(ann), the connection lost at the second one: rejects with store_unavailable; list(ann) = 1 record
  {
    name: 'a revocation that fails half-way promises that nothing was written',
    habit: 'adds up what was deleted and yields it at the end, so that a failure loses the number and keeps the code',
    killedBy: ['faults/cut-delete-subject'],
    open: opened(
      class extends KvStore {
        override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
          let deleted = 0
          for await (const one of super.deleteSubject(subject, now, except)) deleted += one
          yield deleted
        }
      },
    ),
  },
  // r = read(k); r.payload[0] = 1; read(k).payload[0] = 1
  {
    name: 'a record that has not changed since shares its bytes with what was read before',
    habit: 'keeps what it has decoded by its ETag, and answers with that at a 304',
    killedBy: ['round-trip/no-alias-out'],
    open: opened(
      class extends KvStore {
        readonly #decoded = new Map<string, Found>()

        protected override async find(key: SessionKey): Promise<Found | undefined> {
          const found = await super.find(key)
          const before = this.#decoded.get(nameOf(key))
          if (found && found.version === before?.version) return before
          if (found) this.#decoded.set(nameOf(key), found)
          else this.#decoded.delete(nameOf(key))
          return found
        }
      },
    ),
  },
  // a.touch(k), its write under way; b.delete(k) = true; b.create(k, "b") = true; a.touch(k) = touched; read(k) = what was deleted
  {
    name: 'the version that a write compares begins at 1 again when its key was deleted',
    habit: 'compares the version of etcd, and not its mod_revision',
    killedBy: ['races/late-requests'],
    open: opened(KvStore, () => new OwnVersions()),
  },
  // a.create(k of ann), b.create(l of ann), at once = true, true; list(ann) = one of them
  {
    name: 'of two logins of one subject at once, one is missing from the list of its sessions',
    habit: 'keeps the IDs as a JSON array under the user, which it reads, changes and writes',
    killedBy: ['subjects/revoke-meets-create', 'subjects/pages-at-once'],
    open: opened(ListStore, () => new WithLists()),
  },
  // a.delete(k) and b.delete(k), at once = true, true
  {
    name: 'a delete whose first try found a live record answers true, though another delete was first',
    habit: 'sets a variable outside of the function of a transaction, and the transaction runs it again',
    killedBy: ['races/late-requests', 'races/one-client-at-once'],
    open: opened(
      class extends KvStore {
        override async delete(key: SessionKey, now: number): Promise<boolean> {
          let isLive = false
          await this.#transaction(async () => {
            const found = await this.find(key)
            if (!found) return true
            isLive = now < found.record.expiresAt
            return this.remove(key, found.version)
          })
          return isLive
        }

        async #transaction(run: () => Promise<boolean>): Promise<void> {
          while (!(await run()));
        }
      },
    ),
  },
  // create(60 records of ann); list(ann), the connection lost after the first page: has the first 50 records twice
  {
    name: 'a list that loses its connection between two pages begins again',
    habit: 'wraps reads in a helper that retries, and what works in pages with them',
    killedBy: ['faults/cut-pages'],
    open: opened(
      class extends KvStore {
        override list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          return this.#twice(() => super.list(subject, now))
        }

        override all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          return this.#twice(() => super.all(now))
        }

        async *#twice<T>(read: () => AsyncIterable<T>): AsyncIterable<T> {
          try {
            yield* read()
          } catch (error) {
            if (!isSessError(error, 'store_unavailable')) throw error
            yield* read()
          }
        }
      },
    ),
  },
]
