import type { SessionRecord } from '@sess/core'
import { EPOCH } from './epochs.ts'

/*
 * A record as one value, big-endian: revision (double), expiry (double), how many epochs (8 bits), length of the subject in
 * bytes (16 bits), the epochs, the subject, the payload. Doubles carry every number that JavaScript has. No subject is empty.
 */
const HEAD = 19

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
export function encode({ revision, expiresAt, subject = '', payload, epochs }: StoredRecord): Buffer {
  const name = Buffer.from(subject)
  const head = Buffer.alloc(HEAD)
  head.writeDoubleBE(revision)
  head.writeDoubleBE(expiresAt, 8)
  head.writeUInt8(epochs.length, 16)
  head.writeUInt16BE(name.length, 17)
  return Buffer.concat([head, ...epochs, name, payload])
}

/**
 * The record in stored bytes, of which its parts are views. A cut one has an empty payload, which core reports; without a
 * whole head there is none.
 */
export function decode(bytes: Buffer): StoredRecord | undefined {
  if (bytes.length < HEAD) return undefined
  const named = Math.min(HEAD + EPOCH * bytes.readUInt8(16), bytes.length)
  const filled = Math.min(named + bytes.readUInt16BE(17), bytes.length)
  const epochs: Buffer[] = []
  for (let at = HEAD; at < named; at += EPOCH) epochs.push(bytes.subarray(at, at + EPOCH))
  return {
    revision: bytes.readDoubleBE(),
    expiresAt: bytes.readDoubleBE(8),
    ...(filled > named && { subject: bytes.toString('utf8', named, filled) }),
    payload: bytes.subarray(filled),
    epochs,
  }
}
