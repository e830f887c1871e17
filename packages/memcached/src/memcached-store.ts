import {
  checkOptions,
  defineStore,
  invalid,
  type AnyRecord,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import { checkClient, type MemcachedClient } from './client.ts'
import { contended, EpochTable, readOf, TRIES } from './epoch-table.ts'
import { Exchange } from './exchange.ts'
import { itemExpiry } from './item-expiry.ts'
import { LONGEST_PREFIX } from './keys.ts'
import { decode, encode, OVERHEAD, type StoredRecord } from './record.ts'
import { isInEffect, isLive, Records, type Seen } from './records.ts'
import { add, EXISTS, NOT_FOUND, OK, replace, take } from './request.ts'
import { revoke } from './revoke.ts'

/** Options of {@link memcachedStore}. */
export interface MemcachedStoreOptions {
  /** The start of every key: up to 222 characters of printable ASCII, no space. Default: `sess:`. */
  readonly prefix?: string
  /**
   * The largest item that the servers accept, in bytes: the value of their option `-I`. A payload may have 2,048 bytes less.
   * Default: 1 MiB, as in Memcached.
   */
  readonly maxItemBytes?: number
}

/**
 * Makes a store in Memcached. It is fast, but loses sessions when Memcached is full or restarts.
 *
 * A write is a compare-and-set with Memcached's own token. Signing a subject out everywhere is one write, for any number of sessions.
 * The store cannot list sessions.
 *
 * @param client - A `Client` of memjs 1.3. You close it. The store repairs how its server objects handle connections, for all code that
 *   uses the client; see the README.
 * @throws {SessError} `invalid_option`, also for a client with `failover`.
 */
export function memcachedStore(client: MemcachedClient, options: MemcachedStoreOptions = {}): SessionStore {
  checkClient(client)
  checkOptions(options, 'memcachedStore()', { prefix: true, maxItemBytes: true })
  const { prefix = 'sess:', maxItemBytes = 1_048_576 } = options
  if (typeof prefix !== 'string' || !/^[!-~]*$/.test(prefix) || prefix.length > LONGEST_PREFIX)
    throw invalid('prefix', `must be up to ${LONGEST_PREFIX} characters of printable ASCII, and no space`)
  if (!Number.isInteger(maxItemBytes) || maxItemBytes < 2 * OVERHEAD || maxItemBytes > 1_073_741_824)
    throw invalid('maxItemBytes', `must be a whole number from ${2 * OVERHEAD} to 1 GiB`)
  return defineStore(new MemcachedStore(client, prefix, maxItemBytes - OVERHEAD))
}

class MemcachedStore implements StoreImplementation {
  readonly name = 'memcached'
  readonly traits: StoreImplementation['traits']
  readonly #exchange: Exchange
  readonly #table: EpochTable
  readonly #records: Records
  /** What is known of records that were returned or written, by their objects, so that a write need not read first. */
  readonly #memory = new WeakMap<AnyRecord, Seen>()

  constructor(client: MemcachedClient, prefix: string, maxPayloadBytes: number) {
    this.#exchange = new Exchange(client)
    this.#table = new EpochTable(this.#exchange, prefix)
    this.#records = new Records(this.#exchange, this.#table, prefix)
    this.traits = { maxPayloadBytes, needsPepper: client.servers.length > 1 }
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const { seen } = await this.#records.look(key, now)
    if (!seen) return undefined
    const { epochs: _, payload, ...rest } = seen.record
    const record: SessionRecord = { ...rest, payload: new Uint8Array(payload) }
    this.#memory.set(record, seen)
    return record
  }

  /**
   * With a subject, it first reserves the subject's epoch, and then writes the record with a copy of it. A revocation in between would
   * end the new record. So it reads the epoch again in the round trip of the write, and writes the record again if it was ended.
   */
  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { subject, expiresAt } = record
    const at = this.#records.at(key)
    const expiry = itemExpiry(expiresAt, now)
    for (let tries = 0, old: Buffer | undefined; tries < TRIES; tries++) {
      const reserved = subject === undefined ? undefined : await this.#table.reserve(key.tag, subject, expiresAt, now)
      const stored = { ...record, epochs: reserved ? [reserved.epoch] : [] }
      const bytes = encode(stored)
      const request = old ? replace(at, bytes, expiry, old) : add(at, bytes, expiry)
      const [{ header }, table] = await this.#exchange.flight(key.tag, request, this.#table.get(key.tag))
      if (header.status === OK) {
        if (!isInEffect(stored, readOf(table).epochs)) {
          old = Buffer.from(header.cas)
          continue
        }
        this.#remember(record, at, header.cas, bytes, reserved?.until)
        return true
      }
      const { itemToken, seen } = await this.#records.look(key, now)
      if (seen) return false
      old = itemToken
    }
    throw contended()
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const { revision, expiresAt, payload } = record
    const change = (stored: StoredRecord): StoredRecord => ({ ...stored, revision, expiresAt, payload })
    return this.#compareAndSet('replaced', key, expected, now, change, record)
  }

  /** Sends the whole record, because Memcached cannot change a part of an item. */
  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const change = (stored: StoredRecord): StoredRecord | undefined =>
      expiresAt > stored.expiresAt ? { ...stored, expiresAt } : undefined
    return this.#compareAndSet('touched', key, expected, now, change, expected)
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    // The epochs come last: the epoch of each record that was there is in the table by then.
    const [{ header, val }, table] = await this.#exchange.flight(
      key.tag,
      take(this.#records.at(key)),
      this.#table.get(key.tag),
    )
    return header.status === OK && isLive(decode(val), readOf(table).epochs, now)
  }

  /** Replaces the subject's epoch: one write for any number of sessions, and one more write if a session is spared. */
  async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<undefined> {
    await revoke(this.#table, this.#records, subject, now, except)
    yield undefined
  }

  /**
   * @param change - Returns the record to write; undefined if there is nothing to write.
   * @param written - The caller's object for the written record.
   */
  async #compareAndSet<Done extends string>(
    done: Done,
    key: SessionKey,
    expected: ExpectedRecord,
    now: number,
    change: (stored: StoredRecord) => StoredRecord | undefined,
    written: AnyRecord,
  ): Promise<Done | 'conflict' | 'missing'> {
    const at = this.#records.at(key)
    const remembered = this.#memory.get(expected)
    let seen = remembered?.at === at && now < remembered.record.expiresAt ? remembered : undefined
    if (seen && !change(seen.record)) seen = undefined
    for (let tries = 0; tries < TRIES; tries++) {
      seen ??= (await this.#records.look(key, now)).seen
      if (!seen) return 'missing'
      if (seen.record.revision !== expected.revision) return 'conflict'
      const { token, record, until } = seen
      const next = change(record)
      if (!next) return done
      const { subject, expiresAt } = next
      if (subject !== undefined && expiresAt > until) await this.#table.reserve(key.tag, subject, expiresAt, now)
      const bytes = encode(next)
      // The epochs come first, so a revocation that they do not show is later than this write, or parallel to it.
      const [table, { header }] = await this.#exchange.flight(
        key.tag,
        this.#table.get(key.tag),
        replace(at, bytes, itemExpiry(expiresAt, now), token),
      )
      seen = undefined
      if (header.status === EXISTS) continue
      const { epochs } = readOf(table)
      if (header.status === NOT_FOUND || !isLive(record, epochs, now)) return 'missing'
      this.#remember(written, at, header.cas, bytes, epochs.until)
      return done
    }
    throw contended()
  }

  #remember(record: AnyRecord, at: string, token: Buffer, bytes: Buffer, until = 0): void {
    this.#memory.set(record, { at, token: Buffer.from(token), record: decode(bytes)!, until })
  }
}
