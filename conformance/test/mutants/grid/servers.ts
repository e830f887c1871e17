import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { ByteStore } from '../byte-store.ts'
import type { StoreMutant } from '../mutant.ts'
import { server } from './bases.ts'

const nameOf = ({ tag, id }: SessionKey): string => tag + id
const keyOf = (name: string): SessionKey => ({ tag: name.slice(0, 12), id: name.slice(12) })

/** Keeps the expiries apart from the records, for whoever looks for what has ended. */
class Scored extends ByteStore {
  protected readonly scores: Map<string, number> = new Map()

  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const isCreated = await super.create(key, record, now)
    if (isCreated) this.scores.set(nameOf(key), record.expiresAt)
    return isCreated
  }

  override async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const answer = await super.touch(key, expected, expiresAt, now)
    if (answer === 'touched') this.lengthen(key, expiresAt)
    return answer
  }

  override async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    const due = [...this.records.keys()].filter((name) => (this.scores.get(name) ?? 0) <= until)
    for (const name of due) this.drop(keyOf(name))
    yield due.length
  }

  protected lengthen(key: SessionKey, expiresAt: number): void {
    this.scores.set(nameOf(key), Math.max(this.scores.get(nameOf(key)) ?? 0, expiresAt))
  }

  /** Removes the entries of an index whose records have expired. */
  protected prune(subject: Subject, now: number): void {
    const ids = this.entries.get(this.entryOf(subject))
    for (const id of ids ?? []) if (!this.live({ tag: subject.tag, id }, now)) ids!.delete(id)
  }
}

/** Faults in the server of a store of one request a call. */
export const servers: readonly StoreMutant[] = [
  server(
    () =>
      new (class extends ByteStore {
        override touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
          return super.touch(key, expected, Math.min(expiresAt, (2 ** 32 - 1) * 1000), now)
        }
      })(),
  )('a touch moves no expiry past the year 2106', 'EXPIREAT with 32 bits of seconds', ['clock/long-lives']),
  server(
    () =>
      new (class extends ByteStore {
        override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
          const answer = await super.touch(key, expected, expiresAt, now)
          const record = this.live(key, now)
          if (answer === 'touched' && record) this.put(key, { ...record, payload: record.payload.slice(0, 65_536) })
          return answer
        }
      })(),
  )(
    'a touch cuts a payload at 64 KiB',
    'the record is read into a buffer, its time is changed, and it is written back',
    ['round-trip/payloads-through-all'],
  ),
  server(
    () =>
      new (class extends ByteStore {
        override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
          const there = this.live(key, now)
          const isSame = there !== undefined && (there.revision | 0) === (expected.revision | 0)
          return super.touch(
            key,
            isSame ? ({ ...expected, revision: there.revision } as ExpectedRecord) : expected,
            expiresAt,
            now,
          )
        }
      })(),
  )('a touch compares 32 bits of the revision', 'an `int` in the script that touches', [
    'round-trip/revisions-through-all',
  ]),
  server(
    () =>
      new (class extends ByteStore {
        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for await (const [key, record] of super.all(now))
            yield [key, record.subject === undefined ? record : { ...record, subject: record.subject.split(':')[0]! }]
        }
      })(),
  )('a list of all cuts a subject at its first colon', 'the subject is part of a name, which is split at colons', [
    'round-trip/subjects-through-all',
  ]),
  server(
    () =>
      new (class extends ByteStore {
        readonly #bySubject: Record<string, Set<string>> = {}

        protected override link(entry: string, id: string): void {
          const subject = entry.slice(entry.indexOf('@') + 1)
          if (!(subject in this.#bySubject)) this.#bySubject[subject] = new Set()
          this.#bySubject[subject]!.add(id)
          super.link(entry, id)
        }
      })(),
  )('a subject that is called “constructor” cannot sign in', 'a plain object for a map', [
    'round-trip/subjects-through-all',
  ]),
  server(
    () =>
      new (class extends Scored {
        override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          this.prune(subject, now)
          yield* super.list(subject, now)
        }
      })(),
  )(
    'a list by a clock ahead takes what has expired for it out of the index',
    'ZREMRANGEBYSCORE before ZRANGE, with the time that the caller gave',
    ['clock/looking-removes-nothing'],
  ),
  server(
    () =>
      new (class extends Scored {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          if (record.subject !== undefined) this.prune({ id: record.subject, tag: key.tag }, now)
          return super.create(key, record, now)
        }
      })(),
  )(
    'a sign-in by a clock ahead takes what has expired for it out of the index',
    'the index is kept small where it grows',
    ['clock/looking-removes-nothing'],
  ),
  server(
    () =>
      new (class extends Scored {
        override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
          const answer = await super.replace(key, expected, record, now)
          if (answer === 'replaced') this.lengthen(key, record.expiresAt)
          return answer
        }
      })(),
  )('a sweep leaves what a replace has shortened', 'ZADD with GT, for a replace as for a touch', [
    'clock/sweep-takes-whatever-ended',
  ]),
  server(() => new Scored())(
    'a sweep takes what a replace has lengthened',
    'only a create and a touch set the time by which a sweep goes',
    ['clock/sweep-takes-whatever-ended'],
  ),
  server(
    () =>
      new (class extends ByteStore {
        override async *sweep(now: number): AsyncIterable<number> {
          const until = Math.min(now, Date.now()) - GRACE_MS
          const due = [...this.records].filter(([, bytes]) => (this.decode(bytes)?.expiresAt ?? 0) <= until)
          for (const [name, bytes] of due) {
            const { subject } = this.decode(bytes)!
            if (subject !== undefined) this.entries.delete(this.entryOf({ id: subject, tag: keyOf(name).tag }))
            this.records.delete(name)
          }
          yield due.length
        }
      })(),
  )(
    'a sweep forgets the whole index of a subject of which one session has ended',
    'DEL of the set, for SREM of the member',
    ['clock/sweep-takes-whatever-ended'],
  ),
]
