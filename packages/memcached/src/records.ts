import type { SessionKey } from '@sess/core'
import { readOf, type EpochTable, type Read } from './epoch-table.ts'
import { epochOf, type Epochs } from './epochs.ts'
import type { Exchange } from './exchange.ts'
import { itemExpiry } from './item-expiry.ts'
import { recordKey } from './keys.ts'
import { decode, encode, type StoredRecord } from './record.ts'
import { get, NOT_FOUND, OK, replace, tokenOf } from './request.ts'

/** A live record with the token that it had. */
export interface Seen {
  /** Its key in Memcached. */
  readonly at: string
  readonly token: Buffer
  readonly record: StoredRecord
  /** Until when its epoch is kept, in ms by core's clock. */
  readonly until: number
}

/** What is under a key, and the epochs of its tag. */
export interface Look extends Read {
  /** Of an item that is there, be it live or not. */
  readonly itemToken?: Buffer
  /** Where there is a live record. */
  readonly seen?: Seen
}

/** The records, each with the epochs that say whether it is live. */
export class Records {
  readonly #exchange: Exchange
  readonly #table: EpochTable
  readonly #prefix: string

  constructor(exchange: Exchange, table: EpochTable, prefix: string) {
    this.#exchange = exchange
    this.#table = table
    this.#prefix = prefix
  }

  /** A record's key in Memcached. */
  at(key: SessionKey): string {
    return recordKey(this.#prefix, key)
  }

  /** Both in one flight. The record first: one that the epochs show as live was so when it was read. */
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

  /** Compare-and-set of the epochs of a record alone. @returns False where it has changed. */
  async replaceEpochs(tag: string, { at, token, record }: Seen, epochs: Buffer[], now: number): Promise<boolean> {
    const value = encode({ ...record, epochs })
    const request = replace(at, value, itemExpiry(record.expiresAt, now), token)
    const [{ header }] = await this.#exchange.flight(tag, request)
    return header.status === OK
  }
}

/** Neither expired nor revoked. */
export function isLive(record: StoredRecord | undefined, epochs: Epochs, now: number): record is StoredRecord {
  return record !== undefined && now < record.expiresAt && isInEffect(record, epochs)
}

/** Not revoked. */
export function isInEffect({ subject, epochs: own }: StoredRecord, epochs: Epochs): boolean {
  if (subject === undefined) return true
  const epoch = epochOf(epochs, subject)
  return epoch !== undefined && own.some((one) => one.equals(epoch))
}
