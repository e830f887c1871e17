import { isSessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { decodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { Space } from '../../../src/contract.ts'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer, type Versioned } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

const on = (Store: new (client: WireClient) => KvStore) => (): Promise<Space> =>
  wireOf({ serve: () => new KvServer(), store: (client) => new Store(client) }).open()

const PAGE = 50

type Found = Exclude<Awaited<ReturnType<KvStore['find']>>, undefined>
type Replaced = Awaited<ReturnType<KvStore['replace']>>
type Touched = Awaited<ReturnType<KvStore['touch']>>

class CreatesOnce extends KvStore {
  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.fits(record)
    const found = await this.find(key)
    if (found && now < found.record.expiresAt) return false
    return this.put(key, found?.version ?? 0, record)
  }
}

class KeepsVersionsByName extends KvStore {
  readonly #versions = new Map<string, number>()

  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const found = await this.live(key, now)
    if (found) this.#versions.set(key.tag + key.id, found.version)
    return found?.record as ExpectedRecord | undefined
  }

  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<Replaced> {
    this.fits(record)
    const version = this.#versions.get(key.tag + key.id)
    this.#versions.delete(key.tag + key.id)
    if (version !== undefined && now < expected.expiresAt && (await this.put(key, version, record))) return 'replaced'
    return super.replace(key, expected, record, now)
  }
}

class TouchesOnce extends KvStore {
  override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number): Promise<Touched> {
    const found = await this.live(key, now)
    if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
    if (expiresAt > found.record.expiresAt) await this.put(key, found.version, { ...found.record, expiresAt })
    return 'touched'
  }
}

class RemovesWhatever extends KvStore {
  override async delete(key: SessionKey, now: number): Promise<boolean> {
    const found = await this.find(key)
    return found !== undefined && (await this.remove(key)) && now < found.record.expiresAt
  }
}

const FIRST = 32_768

/** What is over 32 KiB of a payload is a value of its own, which the head counts in its first four bytes. */
class Splits extends KvStore {
  protected override async find(key: SessionKey): Promise<Found | undefined> {
    const found = await super.find(key)
    return found && this.#whole(found)
  }

  protected override async put(key: SessionKey, version: number, record: SessionRecord): Promise<boolean> {
    const [first, rest] = [record.payload.subarray(0, FIRST), record.payload.subarray(FIRST)]
    if (rest.length > 0) await this.tell('set', restOf(key), new Uint8Array(rest))
    const count = Buffer.alloc(4)
    count.writeUInt32BE(rest.length)
    return super.put(key, version, { ...record, payload: Buffer.concat([count, first]) })
  }

  protected override async remove(key: SessionKey, version?: number): Promise<boolean> {
    const removed = await super.remove(key, version)
    if (removed) await this.tell('remove', restOf(key))
    return removed
  }

  protected override async *pages(prefix: string): AsyncIterable<readonly Found[]> {
    for (let after = ''; ;) {
      const page = await this.ask<Versioned[]>('scan', prefix, after, PAGE)
      const heads = page.filter(({ name }) => !name.startsWith('~'))
      yield await Promise.all(
        heads.map(({ name, version, bytes }) => {
          const key = { tag: name.slice(0, 12), id: name.slice(12) }
          return this.#whole({ key, version, record: decodeRecord(Buffer.from(bytes))! })
        }),
      )
      if (page.length < PAGE) return
      after = page.at(-1)!.name
    }
  }

  async #whole({ key, version, record }: Found): Promise<Found> {
    const payload = Buffer.from(record.payload)
    const rest = payload.readUInt32BE() ? await this.ask<Versioned | undefined>('get', restOf(key)) : undefined
    const parts = [payload.subarray(4), ...(rest ? [rest.bytes] : [])]
    return { key, version, record: { ...record, payload: new Uint8Array(Buffer.concat(parts)) } }
  }
}

function restOf({ tag, id }: SessionKey): string {
  return `~${tag}${id}`
}

class LooksAfterALoss extends KvStore {
  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    try {
      return await super.create(key, record, now)
    } catch (cause) {
      if (!isSessError(cause, 'unknown_outcome')) throw cause
      const found = await this.live(key, now)
      if (found && Buffer.compare(found.record.payload, record.payload) === 0) return true
      throw cause
    }
  }
}

class NormalizesSubjects extends KvStore {
  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const page of this.pages(subject.tag))
      for (const { key, record } of page)
        if (record.subject?.normalize() === subject.id.normalize() && now < record.expiresAt) yield [key, record]
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

class CountsByLetter extends KvStore {
  override async *count(now: number): AsyncIterable<number> {
    for (const letter of LETTERS)
      for await (const page of this.pages(letter)) yield page.filter(({ record }) => now < record.expiresAt).length
  }
}

class KnowsWhenToSweep extends KvStore {
  /** Nothing ends before. */
  #first = 0

  protected override put(key: SessionKey, version: number, record: SessionRecord): Promise<boolean> {
    this.#first = Math.min(this.#first, record.expiresAt)
    return super.put(key, version, record)
  }

  override async *sweep(now: number): AsyncIterable<number> {
    if (this.#first > Math.min(now, Date.now()) - GRACE_MS) return
    yield* super.sweep(now)
    let first = Infinity
    for await (const page of this.pages('')) for (const { record } of page) first = Math.min(first, record.expiresAt)
    this.#first = first
  }
}

class BeginsAgain extends KvStore {
  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === subject.tag ? except.id : undefined
    for (;;) {
      // The page before is gone: what is left is at the beginning.
      const { value: page } = await this.pages(subject.tag)[Symbol.asyncIterator]().next()
      const own = (page as readonly Found[]).filter(
        ({ key, record }) => record.subject === subject.id && key.id !== spared,
      )
      if (own.length === 0) return
      yield (await Promise.all(own.map(({ key }) => this.delete(key, now)))).filter(Boolean).length
    }
  }
}

export const readsFirst: readonly StoreMutant[] = [
  // k has ended; A.create(k) has read, and its put is late; B.delete(k); A.create = false, and read(k) = undefined
  {
    name: 'a create whose compare-and-set fails takes it that another has created',
    habit: 'if the version is another, somebody was faster: so the answer is false, without a second look',
    killedBy: ['races/sweep-meets-create'],
    open: on(CreatesOnce),
  },
  // create(k r1); replace(r1 to r2); read(k) = r2; replace(r1 to r2) = replaced, and not conflict
  {
    name: 'the version that a read saw is kept by key, and a replace puts against it whatever revision it expects',
    habit: 'a token kept to save a round trip, in a Map by name in the place of a WeakMap by record',
    killedBy: ['round-trip/model'],
    open: on(KeepsVersionsByName),
  },
  // A.touch(k, +120 s) has read, and its put is late; B.touch(k, +90 s) = touched; A = touched; read(k) ends in 90 s
  {
    name: 'a touch whose compare-and-set fails says that it touched',
    habit: 'whoever was faster has kept the session alive as well, and a touch is not worth a second round',
    killedBy: ['races/touches-meet'],
    open: on(TouchesOnce),
  },
  // k has ended; A.delete(k) has read, and its remove is late; B.create(k) = true; A.delete = false; read(k) = undefined
  {
    name: 'a delete removes what is there by then, and answers by what it read before',
    habit: 'a delete is unconditional, so it needs no version; the read is only for the answer',
    killedBy: ['clock/history-of-clocks'],
    open: on(RemovesWhatever),
  },
  // A.replace(r1 to 40 KB of "b") is late; B.replace(r1 to 40 KB of "c") = replaced; A = conflict; read(k): "c", then "b"
  {
    name: 'the rest of a long payload is a value of its own, written over the old one before the compare-and-set',
    habit: 'values of the backend have a limit; the parts are written first so that no head is without its parts',
    killedBy: ['races/reads-are-whole'],
    open: on(Splits),
  },
  // the answers of a create's put and of the get after it are lost: store_unavailable; then read(k) finds the record
  {
    name: 'a create whose answer is lost looks for its record, and if the look fails promises that nothing was written',
    habit: 'the error of a read is passed on, and a read that failed has written nothing',
    killedBy: ['faults/cut-create'],
    open: on(LooksAfterALoss),
  },
  // create(k of "\u00e9"); list("e\u0301") under the same tag = [k]
  {
    name: 'a list compares subjects by their normal form',
    habit: 'text of users is normalized before it is compared',
    killedBy: ['subjects/any-characters'],
    open: on(NormalizesSubjects),
  },
  // create(k with a tag that begins with "_"); count = 0
  {
    name: 'a count goes by the first letter of the tag, over the letters of base64 and not of base64url',
    habit: 'the keys are cut into 64 ranges, so that each request is short, and the alphabet is written from memory',
    killedBy: ['subjects/counted-and-all'],
    open: on(CountsByLetter),
  },
  // A.create(k1); A.sweep; B.create(k2, which ended 2 minutes ago, by an earlier now); A.sweep = 0, and k2 is left
  {
    name: 'a sweep does not look before the first expiry that its client knows of',
    habit: 'to scan everything each minute is dear, so the next expiry is kept, and lowered by each own write',
    killedBy: ['clock/sweep-after-sweep'],
    open: on(KnowsWhenToSweep),
  },
  // 50 records of s1 are under a tag before one of s2; deleteSubject(s2) = 0, and the record of s2 is left
  {
    name: 'deleteSubject reads the first page again until it holds nothing of the subject',
    habit: 'what was deleted is gone from the front, so a cursor seems to be needless',
    killedBy: ['subjects/one-tag-many-subjects'],
    open: on(BeginsAgain),
  },
]
