import type { SessionRecord } from '@sess/core'
import { decodeRecord, encodeRecord } from '@sess/core/adapter'
import { EPOCH } from './epochs.ts'

/* A record as one value: how many epochs (8 bits), the epochs, the record as core encodes it. */

/** How many epochs a record may have: the one in effect, and those of revocations under way that spare it. */
export const MOST_EPOCHS = 8

/** What is stored beside a payload, at most, in bytes: the item's own head, its key and the record's. */
export const OVERHEAD = 2048

/** A record as it is stored. */
export interface StoredRecord extends SessionRecord {
  /** It lives while one of them is its subject's. Empty without a subject. */
  readonly epochs: readonly Buffer[]
}

/** The bytes to store: a copy. */
export function encode(record: StoredRecord): Buffer {
  const { epochs } = record
  return Buffer.concat([Uint8Array.of(epochs.length), ...epochs, encodeRecord(record)])
}

/**
 * The record in stored bytes, of which its parts are views. Damaged ones have an empty payload, which core reports; bytes
 * that end before it begins are none.
 */
export function decode(bytes: Buffer): StoredRecord | undefined {
  const named = 1 + EPOCH * (bytes[0] ?? 0)
  const record = decodeRecord(bytes.subarray(named))
  if (!record) return undefined
  const epochs: Buffer[] = []
  for (let at = 1; at < named; at += EPOCH) epochs.push(bytes.subarray(at, at + EPOCH))
  return { ...record, epochs }
}
