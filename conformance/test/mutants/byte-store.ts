import {
  memoryStore,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { asExpected, decodeRecord, encodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { Index, Raw } from '../../src/contract.ts'

/**
 * A sound store that keeps bytes, and an index of subjects apart from its records: what the memory store has not. Its
 * methods are small, for mutants to override one.
 */
export class ByteStore implements SessionStore {
  readonly name: string = 'bytes'
  readonly traits: StoreTraits = memoryStore().traits
  protected readonly records: Map<string, Buffer> = new Map()
  /** No record expires before. */
  #earliest = Infinity
  protected readonly entries: Map<string, Set<string>> = new Map()

  /** The stored bytes, past the store. */
  readonly raw: Raw = {
    read: async (key) => this.records.get(handle(key)),
    write: async (key, bytes) => void this.records.set(handle(key), Buffer.from(bytes)),
    dump: async () =>
      Buffer.concat([
        ...[...this.records].flatMap(([key, bytes]) => [Buffer.from(key), bytes]),
        ...[...this.entries].map(([name, ids]) => Buffer.from(name + [...ids].join())),
      ]),
  }
  /** The index, past the store. */
  readonly index: Index = {
    lose: async (subject) => void this.entries.delete(this.entryOf(subject)),
    size: async (subject) => this.entries.get(this.entryOf(subject))?.size ?? 0,
  }

  async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const record = this.live(key, now)
    return record && asExpected(record)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.fits(record)
    if (this.live(key, now)) return false
    this.drop(key)
    this.put(key, record)
    return true
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    this.fits(record)
    const there = this.live(key, now)
    if (!there) return 'missing'
    if (there.revision !== expected.revision) return 'conflict'
    this.put(key, record)
    return 'replaced'
  }

  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const there = this.live(key, now)
    if (!there) return 'missing'
    if (there.revision !== expected.revision) return 'conflict'
    if (expiresAt > there.expiresAt) this.put(key, { ...there, expiresAt })
    return 'touched'
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    const there = this.live(key, now)
    this.drop(key)
    return there !== undefined
  }

  async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const id of this.entries.get(this.entryOf(subject)) ?? []) {
      const key = { tag: subject.tag, id }
      const record = this.live(key, now)
      if (record) yield [key, record]
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const name of this.records.keys()) {
      const key = { tag: name.slice(0, 12), id: name.slice(12) }
      const record = this.live(key, now)
      if (record) yield [key, record]
    }
  }

  async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : undefined
    for (const one of this.entries.get(this.entryOf({ id, tag })) ?? [])
      if (one !== spared) yield Number(await this.delete({ tag, id: one }, now))
  }

  async *count(now: number): AsyncIterable<number> {
    yield [...this.records.values()].filter((bytes) => now < (this.decode(bytes)?.expiresAt ?? 0)).length
  }

  async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    if (until < this.#earliest) return
    const ends = [...this.records].map(([key, bytes]) => [key, this.decode(bytes)?.expiresAt ?? 0] as const)
    const expired = ends.filter(([, end]) => until >= end)
    for (const [key] of expired) this.drop({ tag: key.slice(0, 12), id: key.slice(12) })
    this.#earliest = Math.min(...ends.map(([, end]) => (until < end ? end : Infinity)))
    yield expired.length
  }

  protected drop(key: SessionKey): void {
    this.unlink(key)
    this.records.delete(handle(key))
  }

  protected live(key: SessionKey, now: number): SessionRecord | undefined {
    const bytes = this.records.get(handle(key))
    const record = bytes && this.decode(bytes)
    return record && now < record.expiresAt ? record : undefined
  }

  protected fits({ payload }: SessionRecord): void {
    if (payload.length > this.traits.maxPayloadBytes) throw new SessError('too_large', 'the payload is too large')
  }

  protected put(key: SessionKey, record: SessionRecord): void {
    this.records.set(handle(key), this.encode(record))
    this.#earliest = Math.min(this.#earliest, record.expiresAt)
    if (record.subject !== undefined) this.link(this.entryOf({ id: record.subject, tag: key.tag }), key.id)
  }

  protected link(entry: string, id: string): void {
    this.entries.set(entry, (this.entries.get(entry) ?? new Set()).add(id))
  }

  protected unlink({ tag, id }: SessionKey): void {
    const subject = this.live({ tag, id }, -Infinity)?.subject
    if (subject !== undefined) this.entries.get(this.entryOf({ id: subject, tag }))?.delete(id)
  }

  protected entryOf({ tag, id }: Subject): string {
    return `${tag}@${id}`
  }

  protected encode(record: SessionRecord): Buffer {
    return Buffer.from(encodeRecord(record))
  }

  protected decode(bytes: Buffer): SessionRecord | undefined {
    const record = decodeRecord(bytes)
    return record && { ...record, payload: new Uint8Array(record.payload) }
  }
}

function handle({ tag, id }: SessionKey): string {
  return tag + id
}
