import { randomBytes } from 'node:crypto'
import {
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { checkClient, invalid, type MemcachedClient } from './client.ts'
import { contended, EpochTable, readOf, TRIES, type Read } from './epoch-table.ts'
import { EPOCH, epochOf, withEpoch, type Epochs } from './epochs.ts'
import { Exchange } from './exchange.ts'
import { itemExpiry } from './item-expiry.ts'
import { LONGEST_PREFIX, recordKey } from './keys.ts'
import { decode, encode, MOST_EPOCHS, OVERHEAD, type StoredRecord } from './record.ts'
import { add, EXISTS, get, NOT_FOUND, OK, remove, replace } from './request.ts'

/** Options of {@link memcachedStore}. */
export interface MemcachedStoreOptions {
  /** What all keys begin with: up to 222 characters of printable ASCII, no space. Default: `sess:`. */
  readonly prefix?: string
  /**
   * The largest item that the servers take, in bytes: what their `-I` says. A payload may be 2,048 bytes smaller.
   * Default: 1 MiB, as theirs.
   */
  readonly maxItemBytes?: number
}

/** A live record with the token that it had. */
interface Seen {
  readonly at: string
  readonly token: Buffer
  readonly record: StoredRecord
  /** Until when its epoch is kept, in ms by core's clock. */
  readonly until: number
}

/** What is under a key. */
interface Look extends Read {
  /** Of an item that is there, be it live or not. */
  readonly itemToken?: Buffer
  /** Where there is a live record. */
  readonly seen?: Seen
}

/**
 * Sessions in Memcached: fast, and gone when it has no room for them, or restarts.
 *
 * A write is a compare-and-set by Memcached's own token. Signing a subject out everywhere is one write, however many
 * sessions it has; there is no list of them.
 *
 * @param client - A `Client` of memjs 1.3, which stays yours to close. The store mends how its servers change connections,
 *   for all who use the client; see the README.
 * @throws {SessError} `invalid_option`, also for a client with `failover`.
 */
export function memcachedStore(client: MemcachedClient, options: MemcachedStoreOptions = {}): SessionStore {
  const { prefix = 'sess:', maxItemBytes = 1_048_576 } = options
  checkClient(client)
  if (typeof prefix !== 'string' || !/^[!-~]*$/.test(prefix) || prefix.length > LONGEST_PREFIX)
    throw invalid('prefix', `must be up to ${LONGEST_PREFIX} characters of printable ASCII, and no space`)
  if (!Number.isInteger(maxItemBytes) || maxItemBytes < 2 * OVERHEAD || maxItemBytes > 1_073_741_824)
    throw invalid('maxItemBytes', `must be a whole number from ${2 * OVERHEAD} to 1 GiB`)
  return new MemcachedStore(client, prefix, maxItemBytes - OVERHEAD)
}

class MemcachedStore implements SessionStore {
  readonly name = 'memcached'
  readonly traits: StoreTraits
  readonly #exchange: Exchange
  readonly #table: EpochTable
  readonly #prefix: string
  /** By the object that was given out or taken in, so that a write needs not read first. */
  readonly #memory = new WeakMap<SessionRecord, Seen>()

  constructor(client: MemcachedClient, prefix: string, maxPayloadBytes: number) {
    this.#exchange = new Exchange(client)
    this.#table = new EpochTable(this.#exchange, prefix)
    this.#prefix = prefix
    this.traits = Object.freeze<StoreTraits>({
      maxPayloadBytes,
      expiryResolutionMs: 1,
      subjects: 'revoke',
      expiry: 'native',
      tagIsShard: client.servers.length > 1,
      staleMs: 0,
      count: false,
    })
  }

  async read(key: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const { seen } = await this.#look(key, now)
    if (!seen) return undefined
    const { epochs: _, payload, ...rest } = seen.record
    const record: SessionRecord = { ...rest, payload: new Uint8Array(payload) }
    this.#memory.set(record, seen)
    return record
  }

  async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.#fits(record)
    const { subject, expiresAt } = record
    // Before the record: a revocation in between ends it.
    const reserved = subject === undefined ? undefined : await this.#table.reserve(key.tag, subject, expiresAt, now)
    const at = recordKey(this.#prefix, key)
    const bytes = encode({ ...record, epochs: reserved ? [reserved.epoch] : [] })
    const expiry = itemExpiry(expiresAt, now)
    for (let tries = 0, old: Buffer | undefined; tries < TRIES; tries++) {
      const request = old ? replace(at, bytes, expiry, old) : add(at, bytes, expiry)
      const [{ header }] = await this.#exchange.flight(key.tag, request)
      if (header.status === OK) {
        this.#remember(record, at, header.cas, bytes, reserved?.until)
        return true
      }
      const { itemToken, seen } = await this.#look(key, now)
      if (seen) return false
      old = itemToken
    }
    throw contended()
  }

  async replace(
    key: SessionKey,
    record: SessionRecord,
    expected: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    this.#fits(record)
    const { revision, expiresAt, payload } = record
    const change = (stored: StoredRecord): StoredRecord => ({ ...stored, revision, expiresAt, payload })
    return this.#compareAndSet('replaced', key, expected, now, change, record)
  }

  /** Sends the whole record, for Memcached cannot change a part of it. */
  async touch(
    key: SessionKey,
    expiresAt: number,
    expected: SessionRecord,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const change = (stored: StoredRecord): StoredRecord | undefined =>
      expiresAt > stored.expiresAt ? { ...stored, expiresAt } : undefined
    return this.#compareAndSet('touched', key, expected, now, change, expected)
  }

  async delete(key: SessionKey, now: number): Promise<boolean> {
    const at = recordKey(this.#prefix, key)
    const [item, table, { header }] = await this.#exchange.flight(
      key.tag,
      get(at),
      this.#table.get(key.tag),
      remove(at),
    )
    if (header.status === NOT_FOUND) return false
    // One that was not there when it was asked for, and was deleted, is as live as a new one is.
    return item.header.status === NOT_FOUND || isLive(decode(item.val), readOf(table).epochs, now)
  }

  /**
   * Replaces the subject's epoch. What is spared takes the new one first, beside that in effect: so at no moment it is ended,
   * and of two revocations at once that spare different sessions neither survives the other.
   */
  async deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): Promise<undefined> {
    const spared = except?.tag === tag ? except : undefined
    for (let tries = 0, next = randomBytes(EPOCH); tries < TRIES; tries++) {
      const { epochs, token, seen } = await this.#look(spared ?? { tag }, now)
      const epoch = epochOf(epochs, subject)
      if (!epoch || !token) return
      // A record that was ended after it had been told of an epoch must never see that come.
      if (seen?.record.subject !== subject) next = randomBytes(EPOCH)
      else if (!(await this.#prepare(tag, seen, epoch, next, now))) continue
      if (await this.#table.replace(tag, withEpoch(epochs, subject, next, 0), token, now)) return
    }
    throw contended()
  }

  /** Gives a record the epoch that its subject is about to have. @returns False where it changed meanwhile. */
  async #prepare(tag: string, { at, token, record }: Seen, epoch: Buffer, next: Buffer, now: number): Promise<boolean> {
    const others = record.epochs.filter((other) => !other.equals(epoch))
    if (others.some((other) => other.equals(next))) return true
    // The others are of revocations under way, or of such as never came to their end.
    const epochs = [epoch, ...others.slice(2 - MOST_EPOCHS), next]
    const request = replace(at, encode({ ...record, epochs }), itemExpiry(record.expiresAt, now), token)
    const [{ header }] = await this.#exchange.flight(tag, request)
    return header.status === OK
  }

  /**
   * @param change - What of a record to write; undefined: nothing.
   * @param written - The object by which the caller knows what was written.
   */
  async #compareAndSet<Done extends string>(
    done: Done,
    key: SessionKey,
    expected: SessionRecord,
    now: number,
    change: (stored: StoredRecord) => StoredRecord | undefined,
    written: SessionRecord,
  ): Promise<Done | 'conflict' | 'missing'> {
    const at = recordKey(this.#prefix, key)
    const remembered = this.#memory.get(expected)
    let seen = remembered?.at === at && now < remembered.record.expiresAt ? remembered : undefined
    if (seen && !change(seen.record)) seen = undefined
    for (let tries = 0; tries < TRIES; tries++) {
      seen ??= (await this.#look(key, now)).seen
      if (!seen) return 'missing'
      if (seen.record.revision !== expected.revision) return 'conflict'
      const { token, record, until } = seen
      const next = change(record)
      if (!next) return done
      const { subject, expiresAt } = next
      if (subject !== undefined && expiresAt > until) await this.#table.reserve(key.tag, subject, expiresAt, now)
      const bytes = encode(next)
      // The epochs first: a revocation that they do not show yet comes after this write, or together with it.
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

  /** The item and the epochs of its tag, in one flight. Without an id the epochs alone. */
  async #look({ tag, id }: { readonly tag: string; readonly id?: string }, now: number): Promise<Look> {
    const table = this.#table.get(tag)
    if (id === undefined) return readOf((await this.#exchange.flight(tag, table))[0])
    const at = recordKey(this.#prefix, { tag, id })
    // The record first: one that the epochs show as live was so when it was read.
    const [{ header, val }, epochs] = await this.#exchange.flight(tag, get(at), table)
    const read = readOf(epochs)
    if (header.status === NOT_FOUND) return read
    const token = Buffer.from(header.cas)
    const record = decode(val)
    if (!isLive(record, read.epochs, now)) return { ...read, itemToken: token }
    return { ...read, itemToken: token, seen: { at, token, record, until: read.epochs.until } }
  }

  #remember(record: SessionRecord, at: string, token: Buffer, bytes: Buffer, until = 0): void {
    this.#memory.set(record, { at, token: Buffer.from(token), record: decode(bytes)!, until })
  }

  #fits({ payload: { length } }: SessionRecord): void {
    const { maxPayloadBytes } = this.traits
    if (length > maxPayloadBytes)
      throw new SessError(
        'too_large',
        `a payload of ${length} bytes is larger than maxItemBytes leaves room for (${maxPayloadBytes})`,
      )
  }
}

function isLive(record: StoredRecord | undefined, epochs: Epochs, now: number): record is StoredRecord {
  if (!record || now >= record.expiresAt) return false
  const { subject } = record
  const epoch = subject === undefined ? undefined : epochOf(epochs, subject)
  return subject === undefined || (epoch !== undefined && record.epochs.some((own) => own.equals(epoch)))
}
