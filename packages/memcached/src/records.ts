import type { SessionKey } from '@sess/core'
import { readOf, type EpochTable, type Read } from './epoch-table.ts'
import { epochOf, type Epochs } from './epochs.ts'
import type { Exchange } from './exchange.ts'
import { itemExpiry } from './item-expiry.ts'
import { recordKey } from './keys.ts'
import { decode, encode, type StoredRecord } from './record.ts'
import { get, NOT_FOUND, OK, replace, tokenOf } from './request.ts'

/** A live record as it was read, with its token. */
export interface Seen {
  /** The key in Memcached. */
  readonly at: string
  readonly token: Buffer
  readonly record: StoredRecord
  /** Until when the epoch of its subject is kept, in ms since the epoch, by core's clock. */
  readonly until: number
}

/** The result of a read: the item under a key, and the epochs of its tag. */
export interface Look extends Read {
  /** The token of the item, live or not; absent if there is no item. */
  readonly itemToken?: Buffer
  /** The record; absent if it is not live. */
  readonly seen?: Seen
}

/** Reads and writes records. */
export class Records {
  readonly #exchange: Exchange
  readonly #table: EpochTable
  readonly #prefix: string

  constructor(exchange: Exchange, table: EpochTable, prefix: string) {
    this.#exchange = exchange
    this.#table = table
    this.#prefix = prefix
  }

  /** The key of a record in Memcached. */
  at(key: SessionKey): string {
    return recordKey(this.#prefix, key)
  }

  /** Reads a record and the epochs in one round trip. The record comes first: if the epochs say that it is live, it was live when it was read. */
  async look(key: SessionKey, now: number): Promise<Look> {
    const at = this.at(key)
    const [{ header, val }, table] = await this.#exchange.flight(key.tag, get(at), this.#table.get(key.tag))
    const read = readOf(table)
    if (header.status === NOT_FOUND) return read
    const token = tokenOf(header)
    const record = decode(val)
    if (!isLive(record, read.epochs, now)) return { ...read, itemToken: token }
    return { ...read, itemToken: token, seen: { at, token, record, until: read.epochs.until } }
  }

  /** Replaces the epochs of a record by compare-and-set. @returns False if the record has changed meanwhile. */
  async replaceEpochs(tag: string, { at, token, record }: Seen, epochs: Buffer[], now: number): Promise<boolean> {
    const value = encode({ ...record, epochs })
    // By a clock that is ahead the record may have ended.
    const expiry = itemExpiry(record.expiresAt, Math.min(now, record.expiresAt))
    const [{ header }] = await this.#exchange.flight(tag, replace(at, value, expiry, token))
    return header.status === OK
  }
}

/** True for a record that is neither expired nor revoked. */
export function isLive(record: StoredRecord | undefined, epochs: Epochs, now: number): record is StoredRecord {
  return record !== undefined && now < record.expiresAt && isInEffect(record, epochs)
}

/** True for a record that is not revoked. */
export function isInEffect({ subject, epochs: own }: StoredRecord, epochs: Epochs): boolean {
  if (subject === undefined) return true
  const epoch = epochOf(epochs, subject)
  return epoch !== undefined && own.some((one) => one.equals(epoch))
}
