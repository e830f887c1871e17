import { createHash } from 'node:crypto'
import {
  isSessError,
  memoryStore,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type Subject,
} from '@sess/core'
import { asExpected, encodeRecord, type AnyRecord, type ExpectedRecord } from '@sess/core/adapter'
import { wireOf, wireStore } from '../../wire/harness.ts'
import { ByteStore } from '../byte-store.ts'
import { changed, type Change, type StoreMutant } from '../mutant.ts'

/** A fault in the client of a store that makes one request a call. */
function client(name: string, habit: string, killedBy: readonly string[], change: () => Change): StoreMutant {
  const { open } = wireOf({ serve: memoryStore, store: (wire) => changed(wireStore(wire), change()) })
  return { name, habit, killedBy, open }
}

/** A fault in what the server of such a store does. */
function server(name: string, habit: string, killedBy: readonly string[], serve: () => SessionStore): StoreMutant {
  return { name, habit, killedBy, open: wireOf({ serve }).open }
}

const nameOf = ({ tag, id }: SessionKey): string => tag + id

/** A record of its own, for a caller who may change it. */
const copied = (record: ExpectedRecord): ExpectedRecord =>
  asExpected({ ...record, payload: new Uint8Array(record.payload) } as SessionRecord)

/** An index that is looked through by a pattern, with a subject in it as it came. */
class Globbed extends ByteStore {
  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const id of this.#found(subject)) {
      const record = this.live({ tag: subject.tag, id }, now)
      if (record) yield [{ tag: subject.tag, id }, record]
    }
  }

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    for (const id of this.#found(subject))
      if (id !== except?.id) yield Number(await this.delete({ tag: subject.tag, id }, now))
  }

  #found(subject: Subject): string[] {
    const literal = this.entryOf(subject).replaceAll(/[\\^$.|+(){}[\]]/g, String.raw`\$&`)
    const pattern = new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su')
    return [...this.entries].flatMap(([name, ids]) => (pattern.test(name) ? [...ids] : []))
  }
}

/** Broken stores of one request a call, a second set against sentences of the contract. */
export const oneRequest: readonly StoreMutant[] = [
  // client 1: read(k) under way, answered by the server; client 2: replace(k) = replaced; client 1: read(k) = the old record
  client(
    'reads of a key share the request that is already under way',
    'a single flight for each key, to spare the server what everybody asks at once',
    ['races/fresh-read-is-its-own'],
    () => {
      const flights = new Map<string, Promise<ExpectedRecord | undefined>>()
      return (it) => ({
        read: async (key, now, options) => {
          const name = nameOf(key)
          const flight = flights.get(name) ?? it.read(key, now, options).finally(() => flights.delete(name))
          flights.set(name, flight)
          const record = await flight
          return record && now < record.expiresAt ? copied(record) : undefined
        },
      })
    },
  ),
  // create(k, to now + 60 s); touch(k, to now + 90 s) = touched; read(k).expiresAt is now + 60 s
  server(
    'a touch that gains less than a minute is answered and left out',
    'a `touchAfter`, as stores of express-session have it',
    ['round-trip/touch'],
    () =>
      new (class extends ByteStore {
        override async touch(
          key: SessionKey,
          expected: ExpectedRecord,
          expiresAt: number,
          now: number,
        ): Promise<'touched' | 'conflict' | 'missing'> {
          const gain = expiresAt - (this.live(key, now)?.expiresAt ?? 0)
          return super.touch(key, expected, gain < 60_000 ? 0 : expiresAt, now)
        }
      })(),
  ),
  // create(k, to now + 20 ms, now); 20 ms later, for a client whose clock is 1 s behind: read(k, now - 1 s) = undefined
  server(
    'the server removes a record at its end, by its own clock',
    'PXAT with `expiresAt` as it is',
    ['clock/clocks-apart'],
    () =>
      new (class extends ByteStore {
        protected override live(key: SessionKey, now: number): SessionRecord | undefined {
          return super.live(key, now === -Infinity ? now : Math.max(now, Date.now()))
        }

        override count(now: number): AsyncIterable<number> {
          return super.count(Math.max(now, Date.now()))
        }
      })(),
  ),
  // create(k1 of "ann"), create(k2 of "*"), of one tag; list("*") = k1, k2; deleteSubject("*") = 2
  server(
    'a subject with * or ? in it is a pattern of others',
    "SCAN with MATCH `${tag}@${subject}`, in which a subject's own characters are not escaped",
    ['subjects/any-characters'],
    () => new Globbed(),
  ),
  // create(k, a payload of traits.maxPayloadBytes) rejects with too_large
  client(
    'the largest payload does not fit, for the record around it is counted, too',
    "the server's limit of a value taken for `maxPayloadBytes`",
    ['round-trip/largest-payload'],
    () => (it) => {
      const fits = (record: AnyRecord): void => {
        if (encodeRecord(record).length > it.traits.maxPayloadBytes)
          throw new SessError('too_large', 'the value is too large')
      }
      return {
        create: async (key, record, now) => {
          fits(record)
          return it.create(key, record, now)
        },
        replace: async (key, expected, next, now) => {
          fits(next)
          return it.replace(key, expected, next, now)
        },
      }
    },
  ),
  // create(k of ann, to t); create(k of bob, at t) = true; deleteSubject(ann, at t) = 1; read(k, at t) = undefined
  server(
    'what took the place of an expired record is still in the index of the subject before',
    'SET and SADD at a create, and SREM at a delete alone',
    ['subjects/create-over-of-another'],
    () =>
      new (class extends ByteStore {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          if (this.live(key, now)) return false
          this.fits(record)
          this.put(key, record)
          return true
        }
      })(),
  ),
  // create(k); count() whose connection is lost while the server is at work = 0
  client(
    'a count whose answer is lost is 0',
    'a number for a dashboard, which is to show something',
    ['faults/cut-count'],
    () => (it) => ({
      async *count(now) {
        try {
          yield* it.count!(now)
        } catch (error) {
          if (!isSessError(error, 'unknown_outcome')) throw error
          yield 0
        }
      },
    }),
  ),
  // traits.expiryResolutionMs is 1000; create(k, to 1,800,000,000,100 ms); read(k, at 1,800,000,000,500 ms) = a record
  client(
    'a life is rounded up to whole seconds',
    '`Math.ceil(expiresAt / 1000)`, so that nobody loses a part of a second',
    ['clock/rounding'],
    () => (it) => {
      const up = (ms: number): number => Math.ceil(ms / 1000) * 1000
      return {
        traits: Object.freeze({ ...it.traits, expiryResolutionMs: 1000 }),
        create: (key, record, now) => it.create(key, { ...record, expiresAt: up(record.expiresAt) }, now),
        replace: (key, expected, next, now) =>
          it.replace(key, expected, { ...next, expiresAt: up(next.expiresAt) }, now),
        touch: (key, expected, expiresAt, now) => it.touch(key, expected, up(expiresAt), now),
      }
    },
  ),
  // create(k); a = read(k); a.payload[0] ^= 1; b = read(k): b.payload[0] is that of a
  client(
    'a read of a record that has not changed returns the same object again',
    'If-None-Match, and the body of the last answer for a 304',
    ['round-trip/no-alias-out'],
    () => {
      const bodies = new Map<string, readonly [etag: string, body: ExpectedRecord]>()
      return (it) => ({
        read: async (key, now, options) => {
          const body = await it.read(key, now, options)
          if (!body) return undefined
          const etag = createHash('sha256').update(encodeRecord(body)).digest('base64')
          const last = bodies.get(nameOf(key))
          if (last?.[0] === etag) return last[1]
          bodies.set(nameOf(key), [etag, body])
          return body
        },
      })
    },
  ),
]
