import { setTimeout } from 'node:timers/promises'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { SessError, type SessionKey, type SessionRecord, type SessionStore, type Subject } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import type { Space } from '../../../src/contract.ts'
import type { WireClient } from '../../wire/client.ts'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import type { StoreMutant } from '../mutant.ts'

/** The sound store on a server of this kind. */
const served = (serve: () => ByteStore) => async (): Promise<Space> => {
  const server = serve()
  const space = await wireOf({ serve: () => server }).open()
  return { ...space, raw: server.raw, index: server.index }
}

/** The sound server, behind a store that has some methods of its own. */
const asked = (change: (client: WireClient, sound: SessionStore) => Partial<SessionStore>) => (): Promise<Space> =>
  wireOf({
    serve: () => new ByteStore(),
    store: (client) => ({ ...wireStore(client), ...change(client, wireStore(client)) }),
  }).open()

class KnowsItsOwnWrite extends ByteStore {
  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const there = this.live(key, now)
    if (there?.revision === record.revision && Buffer.compare(there.payload, record.payload) === 0) return 'replaced'
    return super.replace(key, expected, record, now)
  }
}

class PrunesAsItLists extends ByteStore {
  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const ids = this.entries.get(this.entryOf(subject))
    for (const id of ids ?? []) if (!this.live({ tag: subject.tag, id }, now)) ids!.delete(id)
    yield* super.list(subject, now)
  }
}

class HashesSubjects extends ByteStore {
  protected override entryOf({ id, tag }: Subject): string {
    return `${tag}@${crc32(id).toString(36)}`
  }
}

class Compresses extends ByteStore {
  protected override encode(record: SessionRecord): Buffer {
    const { payload } = record
    return super.encode({ ...record, payload: payload.length > 1024 ? gzipSync(payload) : payload })
  }

  protected override decode(bytes: Buffer): SessionRecord | undefined {
    const record = super.decode(bytes)
    if (record?.payload[0] !== 0x1f || record.payload[1] !== 0x8b) return record
    return { ...record, payload: new Uint8Array(gunzipSync(record.payload)) }
  }
}

class ReadsMany extends ByteStore {
  async readMany(keys: readonly SessionKey[], now: number): Promise<ExpectedRecord[]> {
    return (await Promise.all(keys.map((key) => this.read(key, now)))).filter((record) => record !== undefined)
  }
}

/** Gathers the reads of one turn of the event loop. */
function gathering(client: WireClient): Partial<SessionStore> {
  let waiting: { key: SessionKey; answer: PromiseWithResolvers<ExpectedRecord | undefined> }[] = []
  const flush = async (now: number): Promise<void> => {
    const gathered = waiting.splice(0)
    try {
      const keys = gathered.map(({ key }) => key)
      const records = (await client.call('readMany', keys, now)) as ExpectedRecord[]
      for (const [i, { answer }] of gathered.entries()) answer.resolve(records[i])
    } catch (error) {
      for (const { answer } of gathered) answer.reject(error)
    }
  }
  return {
    read: (key, now) => {
      const answer = Promise.withResolvers<ExpectedRecord | undefined>()
      if (waiting.push({ key, answer }) === 1) setImmediate(() => void flush(now))
      return answer.promise
    },
  }
}

const STALE_MS = 200

/** A cache in front: each write of this client takes its record out. */
function cached(_: WireClient, sound: SessionStore): Partial<SessionStore> {
  const cache = new Map<string, { record: ExpectedRecord; at: number }>()
  const forget = ({ tag, id }: SessionKey): void => void cache.delete(tag + id)
  return {
    traits: Object.freeze({ ...sound.traits, staleMs: STALE_MS }),
    read: async (key, now, options) => {
      const hit = cache.get(key.tag + key.id)
      if (hit && !options?.fresh && performance.now() - hit.at < STALE_MS) {
        hit.at = performance.now()
        return now < hit.record.expiresAt ? structuredClone(hit.record) : undefined
      }
      const at = performance.now()
      const record = await sound.read(key, now, options)
      if (record) cache.set(key.tag + key.id, { record: structuredClone(record), at })
      else forget(key)
      return record
    },
    create: (key, ...rest) => sound.create(key, ...rest).finally(() => forget(key)),
    replace: (key, ...rest) => sound.replace(key, ...rest).finally(() => forget(key)),
    touch: (key, ...rest) => sound.touch(key, ...rest).finally(() => forget(key)),
    delete: (key, now) => sound.delete(key, now).finally(() => forget(key)),
    async *deleteSubject(...values) {
      for await (const page of sound.deleteSubject!(...values)) {
        cache.clear()
        yield page
      }
    },
  }
}

async function inTime<T>(call: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = setTimeout(1000, undefined, timer).then(() => {
    throw new SessError('store_unavailable', 'the server did not answer within a second')
  })
  late.catch(() => {})
  return Promise.race([call, late]).finally(() => timer.abort())
}

export const oneRequest: readonly StoreMutant[] = [
  // create(k r1); A.replace(r1 to r2 "x") = replaced; B.replace(r1 to r2 "x") = replaced, and not conflict
  {
    name: 'a replace that finds what it was to write says that it replaced',
    habit: 'a replace whose answer was lost is sent again by core, and is made idempotent for that',
    killedBy: ['races/stale-replace', 'races/increments'],
    open: served(() => new KnowsItsOwnWrite()),
  },
  // A.create(k) and e = its record; B.delete(k) = true; A.touch(k, e, e.expiresAt) = touched, and not missing
  {
    name: 'a touch to no later time than that of the expected record is answered without a request',
    habit: 'the contract says that such a touch changes nothing, so it seems to need no server',
    killedBy: ['round-trip/missing'],
    open: asked((_, sound) => ({
      touch: async (key, expected, expiresAt, now) =>
        expiresAt <= expected.expiresAt ? 'touched' : sound.touch(key, expected, expiresAt, now),
    })),
  },
  // create(k of s, ends in 60 s); list(s, now + 1 day) = []; list(s, now) = [], though read(k, now) finds it
  {
    name: 'a list takes out of the index what has ended by the clock of its caller',
    habit: 'an index beside the records is tidied where it is read anyway, as with ZREMRANGEBYSCORE',
    killedBy: ['clock/looking-removes-nothing'],
    open: served(() => new PrunesAsItLists()),
  },
  // create(k of "plumless"); list("buckeroo") under the same tag = [k]: both have the CRC-32 4ddb0c25
  {
    name: 'the index of subjects is under a hash of 32 bits, and what is found there is not compared',
    habit: 'a subject of a kilobyte is too long for the name of an entry, and the tag is there besides',
    killedBy: ['subjects/names-alike'],
    open: served(() => new HashesSubjects()),
  },
  // create(k, payload = gzip("x")); read(k).payload = "x"
  {
    name: 'a payload that begins as gzip does is taken for one that the store has compressed',
    habit: 'long payloads are compressed, and a look at the first two bytes tells which are',
    killedBy: ['round-trip/other-formats'],
    open: served(() => new Compresses()),
  },
  // create(k2); [read(k1), read(k2)] in one turn = [the record of k2, undefined]
  {
    name: 'reads of one turn are one request, whose answers are matched by place though what is missing is left out',
    habit: 'a loader that batches, over a query that gives the rows that there are',
    killedBy: ['races/many-at-once', 'clock/each-call-by-its-own'],
    open: () =>
      wireOf({
        serve: () => new ReadsMany(),
        store: (client) => ({ ...wireStore(client), ...gathering(client) }),
      }).open(),
  },
  // A.read(k); B.delete(k) = true; A.read(k) each 100 ms: still found after 600 ms, and staleMs is 200
  {
    name: 'each hit of the cache makes its entry young again',
    habit: 'an LRU cache with updateAgeOnGet, or a map whose entries are moved to the end with a new time',
    killedBy: ['subjects/seen-within-the-bound'],
    open: asked(cached),
  },
  // a request comes 1.3 s late: create(k) rejects with store_unavailable; 0.5 s later read(k) finds the record
  {
    name: 'a write that is not answered within a second is called unavailable, and is done later',
    habit: 'Promise.race with a timer, whose error says that the store is not available',
    killedBy: ['faults/held-up'],
    open: asked((_, sound) => ({
      create: (...values) => inTime(sound.create(...values)),
      replace: (...values) => inTime(sound.replace(...values)),
      touch: (...values) => inTime(sound.touch(...values)),
      delete: (...values) => inTime(sound.delete(...values)),
    })),
  },
  // create(k of s); deleteSubject(s), and no page is asked for; read(k) = undefined
  {
    name: 'deleteSubject sends its request when it is called, and not when the first page is asked for',
    habit: 'a function that returns an iterable is written as one that starts the work and returns its results',
    killedBy: ['subjects/pages-begin-when-asked'],
    open: asked((client) => ({
      deleteSubject: (...values) => {
        const counts = client.call('deleteSubject', ...values) as Promise<number[]>
        counts.catch(() => {})
        return (async function* () {
          yield* await counts
        })()
      },
    })),
  },
  // A and B are two stores of one server; A.close(); B.read(k) rejects with store_unavailable
  {
    name: 'the stores of a process share one client, which the first that is closed closes',
    habit: 'a map of clients by address, so that no address is connected to twice, without a count of their users',
    killedBy: ['life-cycle/close'],
    open: () => {
      let shared: WireClient | undefined
      return wireOf({ serve: () => new ByteStore(), store: (client) => wireStore((shared ??= client)) }).open()
    },
  },
]
