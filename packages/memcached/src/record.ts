import type { SessionRecord } from '@sess/core'
import { decodeRecord, encodeRecord } from '@sess/core/adapter'
import { EPOCH } from './epochs.ts'

/* The bytes of a record: the number of epochs (8 bits), the epochs, and the record as core encodes it. */

/** How many epochs a record may hold: the current epoch, and the new epochs of running revocations that spare the record. */
export const MOST_EPOCHS = 8

/** The most bytes that an item has beside the payload: the head of the item, its key, and the head of the record. */
export const OVERHEAD = 2048

/** A record as it is stored. */
export interface StoredRecord extends SessionRecord {
  /** The record is live while one of these is the epoch of its subject. Empty without a subject. */
  readonly epochs: readonly Buffer[]
}

/** Encodes a record. The result shares no memory with it. */
export function encode(record: StoredRecord): Buffer {
  const { epochs } = record
  return Buffer.concat([Uint8Array.of(epochs.length), ...epochs, encodeRecord(record)])
}

/**
 * Decodes a record. Its payload and epochs are views of the bytes. A damaged record is `DAMAGED_RECORD` of core; undefined if the bytes
 * end before the record.
 */
export function decode(bytes: Buffer): StoredRecord | undefined {
  const named = 1 + EPOCH * (bytes[0] ?? 0)
  const record = decodeRecord(bytes.subarray(named))
  if (!record) return undefined
  const epochs: Buffer[] = []
  for (let at = 1; at < named; at += EPOCH) epochs.push(bytes.subarray(at, at + EPOCH))
  return { ...record, epochs }
}
