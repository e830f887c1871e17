import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { SessError, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { asExpected, batch, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from '../../wire/client.ts'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import type { StoreMutant } from '../mutant.ts'

type Entry = readonly [SessionKey, SessionRecord]
type Replaced = 'replaced' | 'conflict' | 'missing'
type Serve = () => ByteStore
type Make = (client: WireClient) => SessionStore

const bytes: Serve = () => new ByteStore()

/** The store beyond a socket, of such clients and such a server. */
const opened = (store: Make, serve: Serve = bytes): StoreMutant['open'] => {
  const harness = wireOf({ serve, store })
  return () => harness.open()
}

/** A server with a fault, behind sound clients. */
const served = (serve: Serve): StoreMutant['open'] => opened(wireStore, serve)

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** One request for the reads of one record at a time. */
const sharing: Make = (client) => {
  const sound = wireStore(client)
  const underWay = new Map<string, Promise<ExpectedRecord | undefined>>()
  return {
    ...sound,
    read: async (key, now, options) => {
      if (options?.fresh) return sound.read(key, now, options)
      let answer = underWay.get(nameOf(key))
      if (!answer) {
        // The time 0 finds what has expired, too: each caller looks at it by a clock of its own.
        answer = sound.read(key, 0).finally(() => underWay.delete(nameOf(key)))
        underWay.set(nameOf(key), answer)
      }
      const record = await answer
      if (!record || record.expiresAt <= now) return undefined
      return asExpected({ ...record, payload: new Uint8Array(record.payload) })
    },
  }
}

class ReadsByOneClock extends ByteStore {
  readMany(keys: readonly SessionKey[], now: number): Promise<(ExpectedRecord | undefined)[]> {
    return Promise.all(keys.map((key) => this.read(key, now)))
  }
}

const readsByOneClock: Make = (client) => {
  const many = batch(24, async (asked: { readonly key: SessionKey; readonly now: number }[]) => {
    const keys = asked.map(({ key }) => key)
    return (await client.call('readMany', keys, asked[0]!.now)) as (ExpectedRecord | undefined)[]
  })
  return { ...wireStore(client), read: (key, now) => many({ key, now }, (found) => found) }
}

class ReadsWithinBounds extends ByteStore {
  /** Of the records that are asked for, as many as an answer of 1 MiB takes; what is left out can be asked for again. */
  async readMany(asked: readonly (readonly [SessionKey, number])[]): Promise<(SessionRecord | undefined)[]> {
    let room = 1_048_576
    return asked.map(([key, now]) => {
      if (room <= 0) return undefined
      const record = this.live(key, now)
      room -= record?.payload.length ?? 0
      return record
    })
  }
}

const readsWithinBounds: Make = (client) => {
  const many = batch(100, (asked: (readonly [SessionKey, number])[]) => {
    return client.call('readMany', asked) as Promise<(ExpectedRecord | undefined)[]>
  })
  return { ...wireStore(client), read: (key, now) => many([key, now], (record) => record) }
}

/** A server that knows when the first record ends, and until then need not look for any. */
class NotesCreatesAlone extends ByteStore {
  #earliest = Infinity

  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.#earliest = Math.min(this.#earliest, record.expiresAt)
    return super.create(key, record, now)
  }

  override async *sweep(now: number): AsyncIterable<number> {
    if (Math.min(now, Date.now()) - GRACE_MS < this.#earliest) return
    yield* super.sweep(now)
    this.#earliest = Math.min(...[...this.records.values()].map((each) => this.decode(each)?.expiresAt ?? 0))
  }
}

/** Calls that end with their store. */
const abandoning: Make = (client) => {
  const sound = wireStore(client)
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const open = <T>(call: Promise<T>): Promise<T> => Promise.race([call, promise])
  return {
    ...sound,
    create: (...values) => open(sound.create(...values)),
    replace: (...values) => open(sound.replace(...values)),
    touch: (...values) => open(sound.touch(...values)),
    delete: (...values) => open(sound.delete(...values)),
    close: () => {
      reject(new SessError('store_unavailable', 'the wire store was closed'))
      return sound.close!()
    },
  }
}

class DropsTheEnded extends ByteStore {
  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<Replaced> {
    const answer = await super.replace(key, expected, record, now)
    if (answer === 'replaced' && record.expiresAt <= now) this.drop(key)
    return answer
  }
}

type Deletion = readonly [key: SessionKey, now: number]

class DeletesMany extends ByteStore {
  async deleteMany(deletions: readonly Deletion[]): Promise<boolean> {
    let deleted = 0
    for (const [key, now] of deletions) deleted += Number(await this.delete(key, now))
    return deleted > 0
  }
}

const deletesMany: Make = (client) => {
  let waiting: Deletion[] = []
  let sent: Promise<boolean> | undefined
  return {
    ...wireStore(client),
    delete: (key, now) => {
      waiting.push([key, now])
      sent ??= Promise.resolve().then(() => {
        const deletions = waiting
        waiting = []
        sent = undefined
        return client.call('deleteMany', deletions) as Promise<boolean>
      })
      return sent
    },
  }
}

/** A client whose answers are told apart by a stream of eight bits. */
function streams(client: WireClient): WireClient {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  const call = (method: string, ...values: unknown[]): Promise<unknown> => {
    const stream = last++ % 256
    const answer = Promise.withResolvers<unknown>()
    waiting.set(stream, answer)
    client.call(method, ...values).then(
      (value) => waiting.get(stream)!.resolve(value),
      (error: unknown) => waiting.get(stream)!.reject(error),
    )
    return answer.promise
  }
  return { call, close: () => client.close() } as unknown as WireClient
}

type Call = readonly ['create' | 'replace' | 'touch' | 'delete', readonly unknown[]]

class WritesMany extends ByteStore {
  async writeMany(calls: readonly Call[]): Promise<unknown[]> {
    const answers: unknown[] = []
    for (const [method, values] of calls) {
      const run = this[method] as (...given: readonly unknown[]) => Promise<unknown>
      answers.push(await run.apply(this, [...values]))
    }
    return answers
  }
}

const writesMany: Make = (client) => {
  const many = batch(50, (calls: Call[]) => client.call('writeMany', calls) as Promise<unknown[]>)
  return {
    ...wireStore(client),
    create: (...values) => many(['create', values], (answer) => answer as boolean),
    replace: (...values) => many(['replace', values], (answer) => answer as 'replaced'),
    touch: (...values) => many(['touch', values], (answer) => answer as 'touched'),
    delete: (...values) => many(['delete', values], (answer) => answer as boolean),
  }
}

type Patch = readonly (readonly [at: number, byte: number])[]

class Patches extends ByteStore {
  async patch(key: SessionKey, revision: number, next: SessionRecord, patch: Patch, now: number): Promise<Replaced> {
    const there = this.live(key, now)
    if (!there) return 'missing'
    if (there.revision !== revision) return 'conflict'
    const payload = there.payload.slice()
    for (const [at, byte] of patch) payload[at] = byte
    this.put(key, { ...next, payload })
    return 'replaced'
  }
}

const patches: Make = (client) => ({
  ...wireStore(client),
  replace: async (key, expected, next, now) => {
    const [before, after] = [expected.payload, next.payload]
    const patch: Patch = [...after].flatMap((byte, i) => (byte === before[i] ? [] : [[i, byte] as const]))
    if (before.length !== after.length || patch.length * 8 > after.length)
      return (await client.call('replace', key, expected, next, now)) as Replaced
    const head = { ...next, payload: new Uint8Array() }
    return (await client.call('patch', key, expected.revision, head, patch, now)) as Replaced
  },
})

class SameChecksum extends ByteStore {
  protected override put(key: SessionKey, record: SessionRecord): void {
    const there = this.live(key, -Infinity)
    const same = there && crc32(there.payload) === crc32(record.payload)
    super.put(key, same ? { ...record, payload: there.payload } : record)
  }
}

class Cursors extends ByteStore {
  readonly #open = new Map<number, AsyncIterator<Entry>>()
  #last = 0

  /** A server keeps so many cursors that are not at their end: the oldest gives way. */
  async open(method: 'list' | 'all', ...values: never[]): Promise<number> {
    const entries = (this[method] as (...given: never[]) => AsyncIterable<Entry>).apply(this, values)
    this.#open.set(++this.#last, entries[Symbol.asyncIterator]())
    if (this.#open.size > 10) this.#open.delete(this.#open.keys().next().value!)
    return this.#last
  }

  async next(cursor: number): Promise<Entry[]> {
    const page: Entry[] = []
    while (page.length < 50) {
      const step = await this.#open.get(cursor)?.next()
      if (!step || step.done === true) break
      page.push(step.value)
    }
    if (page.length < 50) this.#open.delete(cursor)
    return page
  }
}

const cursors: Make = (client) => {
  async function* pages(method: string, ...values: unknown[]): AsyncGenerator<Entry, void> {
    const cursor = await client.call('open', method, ...values)
    for (let page; (page = (await client.call('next', cursor)) as Entry[]).length > 0;) yield* page
  }
  return {
    ...wireStore(client),
    list: (subject, now) => pages('list', subject, now),
    all: (now) => pages('all', now),
  }
}

const breaker: Make = (client) => {
  let [failures, until] = [0, 0]
  return {
    ...wireStore(client),
    read: async (...values) => {
      if (Date.now() < until) return undefined
      try {
        const record = (await client.call('read', ...values)) as ExpectedRecord | undefined
        failures = 0
        return record
      } catch (error) {
        if (++failures >= 5) until = Date.now() + 1000
        throw error
      }
    },
  }
}

class NoTimeIsNow extends ByteStore {
  protected override live(key: SessionKey, now: number): SessionRecord | undefined {
    return super.live(key, now || Date.now())
  }
}

const drains: Make = (client) => {
  const sound = wireStore(client)
  const drained = Promise.withResolvers<void>()
  let [open, closed] = [0, false]
  const done = (): void => {
    if (--open === 0 && closed) drained.resolve()
  }
  async function* list(...values: unknown[]): AsyncGenerator<Entry, void> {
    let entries: Entry[]
    try {
      entries = (await client.call('list', ...values)) as Entry[]
    } finally {
      done()
    }
    yield* entries
  }
  return {
    ...sound,
    list: (...values) => {
      if (closed) return sound.list!(...values)
      open++
      return list(...values)
    },
    close: async () => {
      closed = true
      if (open > 0) await drained.promise
      await client.close()
    },
  }
}

class SharedPayloads extends ByteStore {
  readonly #payloads = new Map<string, Uint8Array>()

  protected override encode(record: SessionRecord): Buffer {
    const hash = createHash('sha256').update(record.payload).digest()
    this.#payloads.set(hash.toString('hex'), record.payload.slice())
    return super.encode({ ...record, payload: hash })
  }

  protected override decode(stored: Buffer): SessionRecord | undefined {
    const record = super.decode(stored)
    const payload = record && this.#payloads.get(Buffer.from(record.payload).toString('hex'))
    return payload && { ...record, payload: payload.slice() }
  }

  protected override drop(key: SessionKey): void {
    const stored = this.records.get(nameOf(key))
    super.drop(key)
    if (stored) this.#payloads.delete(Buffer.from(super.decode(stored)!.payload).toString('hex'))
  }
}

export const oneRequest: readonly StoreMutant[] = [
  // slow: p = a.read(k); b.replace(k, r2) = replaced; a.read(k) = r1, which p was still waiting for
  {
    name: 'a read that need not be fresh joins the read of the same record that is under way',
    habit: 'lets ten requests of one page load their session once (single flight)',
    killedBy: ['races/fresh-read-is-its-own'],
    open: opened(sharing),
  },
  // in one turn: read(k, now) = r1, read(k, r1.expiresAt) = r1
  {
    name: 'the reads of a batch all go by the time of its first',
    habit: 'collects the calls of one turn, in which the time is the same, surely',
    killedBy: ['clock/each-call-by-its-own'],
    open: opened(readsByOneClock, () => new ReadsByOneClock()),
  },
  // two minutes ago: create(k, in an hour) = true, replace(k, ended 90 s ago) = replaced; now: sweep = 0
  {
    name: 'a replace that ends a record earlier is not seen by the sweep',
    habit: 'sweeps once the first record has ended, as create has noted it, for lives only grow',
    killedBy: ['clock/sweep-takes-whatever-ended'],
    open: served(() => new NotesCreatesAlone()),
  },
  // slow: p = a.replace(k, r2); a.close(); p rejects with store_unavailable; b.read(k) = r2
  {
    name: 'close ends the writes under way with the promise that nothing was written',
    habit: 'rejects whatever waits with store_unavailable, as all calls after a close are',
    killedBy: ['life-cycle/close-meets-calls'],
    open: opened(abandoning),
  },
  // create(k to +60 s); replace(k, r1 to r2 that ends at +5 s, now +5 s) = replaced; read(k, now +4 s) = undefined
  {
    name: 'a replace by a record that has ended removes the record',
    habit: 'deletes a record that is over already, for its server refuses a TTL of 0 or less',
    killedBy: ['clock/written-by-a-clock-ahead'],
    open: served(() => new DropsTheEnded()),
  },
  // create(k1); in one turn delete(k1) = true and delete(k2) = true, though there never was a k2
  {
    name: 'deletes of one turn go together and share an answer',
    habit: 'deletes many keys by one command, whose answer is how many, and takes more than none for yes',
    killedBy: ['races/many-at-once', 'clock/each-call-by-its-own'],
    open: opened(deletesMany, () => new DeletesMany()),
  },
  // create(k0…k299); 300 reads at once: the first never answer, and the last get the records of others
  {
    name: 'of more than 256 calls at once, a call gets the answer to another, which gets none',
    habit: 'numbers the calls of a connection with a byte, as its protocol has it, and does not wait for a free one',
    killedBy: ['races/many-at-once'],
    open: opened((client) => wireStore(streams(client))),
  },
  // create(k1, 700 KB); create(k2, 700 KB); create(k3); read(k1), read(k2), read(k3) at once: k3 = undefined
  {
    name: 'reads of one turn go together, and what their answer has no room for is missing',
    habit: 'passes over the UnprocessedKeys of a BatchGetItem, whose answer is bounded in bytes',
    killedBy: ['subjects/pages-of-large-records'],
    open: opened(readsWithinBounds, () => new ReadsWithinBounds()),
  },
  // create(k1) and create(k2, too large) at once: both reject with too_large; read(k1) = the record
  {
    name: 'writes of one turn go together, and the refusal of one is the answer to those that were done before it',
    habit: 'sends a batch in one request, and rejects each of its calls with the error of the request',
    killedBy: ['races/many-at-once'],
    open: opened(writesMany, () => new WritesMany()),
  },
  // create(k, aaaa…); e = read(k); delete(k); create(k, bbbb…); replace(k, e, caaa…) = replaced; read(k) = cbbb…
  {
    name: 'a replace sends what differs from the expected payload, though a new record of that revision may hold another',
    habit: 'sends a patch of a large session, which the equal revision seems to make safe',
    killedBy: ['races/another-life'],
    open: opened(patches, () => new Patches()),
  },
  // create(k, "plumless"); replace(k, "buckeroo") = replaced; read(k) = "plumless"
  {
    name: 'a payload with the checksum of the one before is not written',
    habit: 'compares CRC-32 to spare the write of a payload that has not changed',
    killedBy: ['round-trip/same-checksum'],
    open: served(() => new SameChecksum()),
  },
  // create 60 of ann; list(ann) to its first record; ten more lists are begun; the first ends after 50
  {
    name: 'the eleventh listing that was begun and not taken to its end ends the first, as if nothing were left',
    habit: 'takes a cursor that the server has dropped for one at its end, and does not close what its caller has left',
    killedBy: ['subjects/many-lists'],
    open: opened(cursors, () => new Cursors()),
  },
  // create(k); the server is down for five reads, which reject; it is up again; read(k) = undefined
  {
    name: 'after five reads have failed one after the other, a record is missing for a second',
    habit: 'puts a circuit breaker around reads, with undefined as its fallback',
    killedBy: ['faults/many-lost'],
    open: opened(breaker),
  },
  // create(k, to 1000, now 0) = true; read(k, now 0) = undefined
  {
    name: 'a time of 0 counts as the time of the server',
    habit: 'writes `now || Date.now()`, for callers that give no time',
    killedBy: ['clock/clock-from-zero'],
    open: served(() => new NoTimeIsNow()),
  },
  // list(ann), never iterated; close() never ends
  {
    name: 'close waits for a list whose first page is never asked for',
    habit:
      'counts calls when they are made, and in the finally of a generator when they end, to close once all have ended',
    killedBy: ['life-cycle/close-of-what-is-left'],
    open: opened(drains),
  },
  // create(k1, payload "x"); create(k2, payload "x"); delete(k1) = true; read(k2) = undefined
  {
    name: 'records of equal payloads share one copy, which goes with the first of them',
    habit:
      'keeps payloads by their SHA-256, as most anonymous sessions hold the same, and does not count who refers to them',
    killedBy: ['subjects/one-tag-two-subjects', 'subjects/excepted-stays'],
    open: served(() => new SharedPayloads()),
  },
]
