import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import { asExpected, decodeRecord, encodeRecord, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf } from '../../wire/harness.ts'
import { KvServer, type Versioned } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'

type Found = NonNullable<Awaited<ReturnType<KvStore['find']>>>
type Create = Parameters<KvStore['create']>
type Replace = Parameters<KvStore['replace']>
type Touch = Parameters<KvStore['touch']>

const opened = (
  Store: new (client: WireClient) => KvStore,
  serve: () => KvServer = () => new KvServer(),
): StoreMutant['open'] => {
  const harness = wireOf({ serve, store: (client) => new Store(client) })
  return () => harness.open()
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

class TouchesWhatItWasGiven extends KvStore {
  readonly #versions = new WeakMap<ExpectedRecord, number>()

  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const found = await this.live(key, now)
    if (!found) return undefined
    const record = asExpected(found.record)
    this.#versions.set(record, found.version)
    return record
  }

  override async touch(...[key, expected, expiresAt, now]: Touch): ReturnType<KvStore['touch']> {
    const version = this.#versions.get(expected)
    const moves = now < expected.expiresAt && expected.expiresAt < expiresAt
    if (version !== undefined && moves && (await this.put(key, version, { ...expected, expiresAt }))) return 'touched'
    return super.touch(key, expected, expiresAt, now)
  }
}

class Leases extends KvStore {
  override create(...values: Create) {
    return this.#locked(values[0], () => super.create(...values))
  }

  override replace(...values: Replace) {
    return this.#locked(values[0], () => super.replace(...values))
  }

  override touch(...values: Touch) {
    return this.#locked(values[0], () => super.touch(...values))
  }

  override delete(key: SessionKey, now: number): Promise<boolean> {
    return this.#locked(key, () => super.delete(key, now))
  }

  protected override async *pages(prefix: string): AsyncIterable<readonly Found[]> {
    for await (const page of super.pages(prefix)) yield page.filter(({ key }) => !key.tag.startsWith('~'))
  }

  protected override async put(key: SessionKey, _: number, record: SessionRecord): Promise<boolean> {
    await this.tell('set', nameOf(key), encodeRecord(record))
    return true
  }

  async #locked<T>(key: SessionKey, run: () => Promise<T>): Promise<T> {
    const name = `~${nameOf(key)}`
    for (;;) {
      const there = await this.ask<Versioned | undefined>('get', name)
      const lease = encodeRecord({ revision: 1, expiresAt: Date.now() + 2000, payload: new Uint8Array() })
      const free = !there || decodeRecord(Buffer.from(there.bytes))!.expiresAt <= Date.now()
      if (free && (await this.tell<boolean>('put', name, there?.version ?? 0, lease))) break
      await sleep(5)
    }
    try {
      return await run()
    } finally {
      await this.tell('remove', name).catch(() => {})
    }
  }
}

/** A server whose answers hold 4 MiB. */
class SmallAnswers extends KvServer {
  override scan(prefix: string, after: string, limit: number): Versioned[] {
    let room = 4 * 1_048_576
    return super.scan(prefix, after, limit).filter(({ bytes }, i) => (room -= bytes.length) >= 0 || i === 0)
  }
}

class Adapts extends KvStore {
  #size = 50

  protected override async *pages(prefix: string): AsyncIterable<readonly Found[]> {
    for (let after = ''; ;) {
      const [size, began] = [this.#size, performance.now()]
      const page = await this.ask<Versioned[]>('scan', prefix, after, size)
      if (performance.now() - began > 20) this.#size = Math.floor(size / 2)
      else if (page.length === size) this.#size = Math.min(200, size * 2)
      yield page.map(({ name, version, bytes }) => ({
        key: { tag: name.slice(0, 12), id: name.slice(12) },
        version,
        record: decodeRecord(Buffer.from(bytes))!,
      }))
      if (page.length === 0 || page.length < size) return
      after = page.at(-1)!.name
    }
  }
}

class Queues extends KvStore {
  readonly #queues: Record<string, Promise<unknown>> = {}

  override replace(...values: Replace) {
    return this.#queued(values[0], () => super.replace(...values))
  }

  override touch(...values: Touch) {
    return this.#queued(values[0], () => super.touch(...values))
  }

  async #queued<T>({ id }: SessionKey, run: () => Promise<T>): Promise<T> {
    const result = (this.#queues[id] ?? Promise.resolve()).then(run)
    this.#queues[id] = result.catch(() => {})
    return result
  }
}

/** A pool of ten connections. */
class Pooled extends KvStore {
  readonly #waiting: (() => void)[] = []
  #free = 10

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    await this.#take()
    try {
      yield* super.deleteSubject(subject, now, except)
    } finally {
      this.#give()
    }
  }

  protected override ask<T>(method: string, ...values: readonly unknown[]): Promise<T> {
    return this.#with(() => super.ask<T>(method, ...values))
  }

  protected override tell<T>(method: string, ...values: readonly unknown[]): Promise<T> {
    return this.#with(() => super.tell<T>(method, ...values))
  }

  async #with<T>(run: () => Promise<T>): Promise<T> {
    await this.#take()
    try {
      return await run()
    } finally {
      this.#give()
    }
  }

  async #take(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

class OneSweep extends KvStore {
  #sweeping = false

  override async *sweep(now: number): AsyncIterable<number> {
    if (this.#sweeping) return
    this.#sweeping = true
    try {
      yield* super.sweep(now)
    } finally {
      this.#sweeping = false
    }
  }
}

class CountsReads extends KvStore {
  #busy = 0

  override async close(): Promise<void> {
    while (this.#busy > 0) await sleep(5)
    await super.close()
  }

  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    this.#busy++
    const record = await super.read(key, now)
    this.#busy--
    return record
  }
}

export const readsFirst: readonly StoreMutant[] = [
  // record = read(k); its payload is overwritten; touch(k, record) = touched; read(k) has the overwritten payload
  {
    name: 'a touch writes the record that it is given, by the version that its read had',
    habit: 'spares the read by a token in a WeakMap, with the record at hand',
    killedBy: ['round-trip/no-alias-out'],
    open: opened(TouchesWhatItWasGiven),
  },
  // a.replace(k), whose last request takes 3 s; b.delete(k) = true after 2.2 s; 1 s later read(k) = the record
  {
    name: 'a write whose request takes longer than its lock brings back what another has deleted meanwhile',
    habit: 'holds a lock with a lease of 2 s, and writes without a version, for it has the lock',
    killedBy: ['races/late-for-long'],
    open: opened(Leases),
  },
  // create ten of 600 KB; count = 6
  {
    name: 'a page that is short, for an answer holds 4 MiB, counts as the last one',
    habit: 'looks for the end by the number of records, and does not know that answers are bounded in bytes',
    killedBy: ['subjects/pages-of-large-records'],
    open: opened(KvStore, () => new SmallAnswers()),
  },
  // create(k); six counts whose answers are slow; count = 0
  {
    name: 'after six slow pages a page has no records, and all that goes through pages is at its end',
    habit: 'halves the size of a page that was slow, and has no least size',
    killedBy: ['faults/slow-pages'],
    open: opened(Adapts),
  },
  // create(k with the ID __defineGetter__); replace(k) rejects with a TypeError
  {
    name: 'a session whose ID is the name of a method of objects cannot be written',
    habit: 'keeps the queue of each session in a plain object, for IDs are random',
    killedBy: ['identity/alike-keys'],
    open: opened(Queues),
  },
  // deleteSubject(s1), … deleteSubject(s10) at once: none ever ends
  {
    name: 'as many revocations at once as the pool has connections wait for each other',
    habit: 'takes a connection of the pool for the cursor, and another for each delete',
    killedBy: ['races/many-revocations-at-once'],
    open: opened(Pooled),
  },
  // create two that ended 3 h ago, and one 1 h ago; sweep(now - 2 h), its first page; sweep(now) = nothing; one is left
  {
    name: 'a sweep ends at once while another is under way whose clock is behind',
    habit: 'runs one sweep at a time, for what the other removes need not be removed again',
    killedBy: ['races/parallel-sweeps'],
    open: opened(OneSweep),
  },
  // read(k), its connection lost: rejects; close() never ends
  {
    name: 'a close after a read that failed never ends',
    habit: 'counts the reads under way, for a close that waits for them, and counts down without a finally',
    killedBy: ['faults/many-lost'],
    open: opened(CountsReads),
  },
]
