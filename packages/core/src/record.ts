/**
 * A record as one value, for a store whose backend keeps one under a key; and what every record must be that comes out of a
 * store.
 *
 * @module
 */
import { isUint8Array } from 'node:util/types'
import { crc32 } from 'node:zlib'
import { asBuffer } from './bytes.ts'
import type { AnyRecord, SessionRecord } from './store.ts'

/** How many bytes every record has: its checksum, its expiry, its revision, and the length of its subject. */
export const RECORD_HEAD = 22
const EXPIRY = 4
const REVISION = 12
const LENGTH = 20

/** The longest subject, in bytes of UTF-8. */
export const LONGEST_SUBJECT = 1024

/** How many bytes a record has at most before its payload: with the longest subject. */
export const LONGEST_RECORD_HEAD: number = RECORD_HEAD + LONGEST_SUBJECT

/** The last time that a Date can hold, in ms since the epoch. */
const LAST_TIME = 8.64e15

/**
 * What {@link decodeRecord} makes of damaged bytes, and what any store may return for a record that it cannot read: never
 * expired, and of no revision, so that core reports it as `undecodable`, and no write takes it for what was read.
 */
export const DAMAGED_RECORD: SessionRecord = Object.freeze({
  revision: 0,
  expiresAt: Infinity,
  payload: new Uint8Array(),
})

/**
 * The bytes of a record, big-endian: a checksum (CRC-32) of the rest of the head, expiry and revision (doubles), length of the
 * subject in bytes (16 bits), the subject; then the payload, which has a checksum of its own. A backend's script finds expiry
 * and revision at 4 and at 12. A touch changes the first 12 bytes alone, checksum and expiry; they can be taken from the bytes
 * of the record as it was read, with the new expiry.
 */
export function encodeRecord({ revision, expiresAt, subject = '', payload }: AnyRecord): Uint8Array {
  const length = Buffer.byteLength(subject)
  const bytes = Buffer.allocUnsafe(RECORD_HEAD + length + payload.length)
  bytes.writeDoubleBE(expiresAt, EXPIRY)
  bytes.writeDoubleBE(revision, REVISION)
  bytes.writeUInt16BE(length, LENGTH)
  bytes.write(subject, RECORD_HEAD)
  bytes.set(payload, RECORD_HEAD + length)
  bytes.writeUInt32BE(crc32(bytes.subarray(EXPIRY, RECORD_HEAD + length)))
  return bytes
}

/**
 * The record in bytes, live or not; its payload is a view of them. {@link DAMAGED_RECORD} where the head is cut, changed, or
 * none that core would write. Undefined for no bytes at all.
 */
export function decodeRecord(stored: Uint8Array): SessionRecord | undefined {
  const bytes = asBuffer(stored)
  if (bytes.length === 0) return undefined
  if (bytes.length < RECORD_HEAD) return DAMAGED_RECORD
  const at = RECORD_HEAD + bytes.readUInt16BE(LENGTH)
  if (at > bytes.length || bytes.readUInt32BE() !== crc32(bytes.subarray(EXPIRY, at))) return DAMAGED_RECORD
  const record = {
    revision: bytes.readDoubleBE(REVISION),
    expiresAt: bytes.readDoubleBE(EXPIRY),
    ...(at > RECORD_HEAD && { subject: bytes.toString('utf8', RECORD_HEAD, at) }),
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at),
  }
  return isSound(record) ? record : DAMAGED_RECORD
}

/** The expiry in the bytes of a record, of which the head is enough: for counting. Damaged ones have any; no head has none. */
export function expiryIn(head: Uint8Array): number | undefined {
  return head.length < RECORD_HEAD ? undefined : asBuffer(head).readDoubleBE(EXPIRY)
}

/** True for a record that core may have written: every number in its range, the subject a text of its length. */
export function isSound({ revision, expiresAt, subject, payload }: AnyRecord): boolean {
  return (
    Number.isSafeInteger(revision) &&
    revision >= 1 &&
    // Its next revision is a safe integer, too.
    revision < Number.MAX_SAFE_INTEGER &&
    isTime(expiresAt) &&
    (subject === undefined ||
      (typeof subject === 'string' && subject.length > 0 && subject.length <= LONGEST_SUBJECT)) &&
    isUint8Array(payload)
  )
}

/** True for a time in ms since the epoch, or a duration: a number from 0 to the last time that a Date can hold. */
export function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LAST_TIME
}
