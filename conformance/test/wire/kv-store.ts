import {
  isSessError,
  memoryStore,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { asExpected, decodeRecord, encodeRecord, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { WireClient } from './client.ts'
import type { Versioned } from './kv-server.ts'

const PAGE = 50

/** A record, and the version of the value that holds it. */
interface Found {
  readonly key: SessionKey
  readonly version: number
  readonly record: SessionRecord
}

/**
 * A sound store that reads before it writes, each a request of its own, with a version that it compares. Its methods are
 * small, for mutants to override one.
 */
export class KvStore implements SessionStore {
  readonly name: string = 'kv'
  readonly traits: StoreTraits = memoryStore().traits
  protected readonly client: WireClient

  constructor(client: WireClient) {
    this.client = client
  }

  async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const found = await this.live(key, now)
    return found && asExpected(found.record)
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.fits(record)
    for (;;) {
      const found = await this.find(key)
      if (found && now < found.record.expiresAt) return false
      if (await this.put(key, found?.version ?? 0, record)) return true
    }
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    this.fits(record)
    for (;;) {
      const found = await this.live(key, now)
      if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
      if (await this.put(key, found.version, record)) return 'replaced'
    }
  }

  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    for (;;) {
      const found = await this.live(key, now)
      if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
      if (expiresAt <= found.record.expiresAt) return 'touched'
      if (await this.put(key, found.version, { ...found.record, expiresAt })) return 'touched'
    }
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    for (;;) {
      const found = await this.find(key)
      if (!found) return false
      if (await this.remove(key, found.version)) return now < found.record.expiresAt
    }
  }

  async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const page of this.pages(subject.tag))
      for (const { key, record } of page)
        if (record.subject === subject.id && now < record.expiresAt) yield [key, record]
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const page of this.pages(''))
      for (const { key, record } of page) if (now < record.expiresAt) yield [key, record]
  }

  async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === subject.tag ? except.id : undefined
    for await (const page of this.pages(subject.tag))
      for (const { key, record } of page)
        if (record.subject === subject.id && key.id !== spared) yield Number(await this.delete(key, now))
  }

  async *count(now: number): AsyncIterable<number> {
    for await (const page of this.pages('')) yield page.filter(({ record }) => now < record.expiresAt).length
  }

  async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    for await (const page of this.pages(''))
      for (const { key, version, record } of page)
        if (record.expiresAt <= until) yield Number(await this.remove(key, version))
  }

  async close(): Promise<void> {
    await this.client.close()
  }

  protected async find(key: SessionKey): Promise<Found | undefined> {
    const value = await this.ask<Versioned | undefined>('get', nameOf(key))
    return value && foundOf(value)
  }

  protected async live(key: SessionKey, now: number): Promise<Found | undefined> {
    const found = await this.find(key)
    return found && now < found.record.expiresAt ? found : undefined
  }

  protected async *pages(prefix: string): AsyncIterable<readonly Found[]> {
    for (let after = ''; ;) {
      const page = await this.ask<Versioned[]>('scan', prefix, after, PAGE)
      yield page.map(foundOf)
      if (page.length < PAGE) return
      after = page.at(-1)!.name
    }
  }

  protected put(key: SessionKey, version: number, record: SessionRecord): Promise<boolean> {
    return this.tell<boolean>('put', nameOf(key), version, encodeRecord(record))
  }

  protected remove(key: SessionKey, version?: number): Promise<boolean> {
    return this.tell<boolean>('remove', nameOf(key), version)
  }

  /** A request that changes nothing: one that failed promises that nothing was written. */
  protected async ask<T>(method: string, ...values: readonly unknown[]): Promise<T> {
    try {
      return (await this.client.call(method, ...values)) as T
    } catch (cause) {
      if (!isSessError(cause, 'unknown_outcome')) throw cause
      throw new SessError('store_unavailable', 'the kv server did not answer', { cause })
    }
  }

  /** A request that changes something: nobody knows whether one that failed was done. */
  protected async tell<T>(method: string, ...values: readonly unknown[]): Promise<T> {
    return (await this.client.call(method, ...values)) as T
  }

  protected fits({ payload }: SessionRecord): void {
    if (payload.length > this.traits.maxPayloadBytes) throw new SessError('too_large', 'the payload is too large')
  }
}

function nameOf({ tag, id }: SessionKey): string {
  return tag + id
}

function foundOf({ name, version, bytes }: Versioned): Found {
  const record = decodeRecord(Buffer.from(bytes))
  if (!record) throw new SessError('store_unavailable', 'a value of the kv server is no record')
  return { key: { tag: name.slice(0, 12), id: name.slice(12) }, version, record }
}
