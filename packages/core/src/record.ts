/**
 * Encodes a record as one value, for a backend that keeps one value under a key; and checks records that a store returns.
 *
 * @module
 */
import { isUint8Array } from 'node:util/types'
import { crc32 } from 'node:zlib'
import { asBuffer } from './bytes.ts'
import type { AnyRecord, SessionRecord } from './store.ts'

/** The length of the fixed head of each encoded record, in bytes: checksum, expiry, revision, and the length of the subject. */
export const RECORD_HEAD = 22
const EXPIRY = 4
const REVISION = 12
const LENGTH = 20

/** The longest subject, in bytes of UTF-8. */
export const LONGEST_SUBJECT = 1024

/** The most bytes before the payload of an encoded record: the head and the longest subject. */
export const LONGEST_RECORD_HEAD: number = RECORD_HEAD + LONGEST_SUBJECT

/** The latest time that a Date can hold, in ms since the epoch. */
const LAST_TIME = 8.64e15

/**
 * The result of {@link decodeRecord} for damaged bytes. A store may return it for any record that it cannot read. It never expires,
 * and its revision is 0, which no write expects; core reports it as `undecodable`.
 */
export const DAMAGED_RECORD: SessionRecord = Object.freeze({
  revision: 0,
  expiresAt: Infinity,
  payload: new Uint8Array(),
})

/**
 * Encodes a record, big-endian: a checksum (CRC-32) of the bytes up to the payload, expiry and revision (doubles), the length of the
 * subject in bytes (16 bits), the subject; then the payload, which has a checksum of its own. A script in the backend finds the
 * expiry at offset 4 and the revision at offset 12. A touch changes only the first 12 bytes, checksum and expiry: encode the record
 * that was read with the new expiry, and take the first 12 bytes of the result.
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
 * Decodes a record, live or not. Its payload is a view of the bytes. The result is {@link DAMAGED_RECORD} if the head is cut or
 * changed, or if core would never write it; undefined if there are no bytes.
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

/**
 * Reads the expiry from the head of an encoded record, for counting. Undefined if the head is cut. The expiry of a damaged record
 * may be any number.
 */
export function expiryIn(head: Uint8Array): number | undefined {
  return head.length < RECORD_HEAD ? undefined : asBuffer(head).readDoubleBE(EXPIRY)
}

/** True for a record that core may have written: each number is in its range, and the subject is text of an allowed length. */
export function isSound({ revision, expiresAt, subject, payload }: AnyRecord): boolean {
  return (
    Number.isSafeInteger(revision) &&
    revision >= 1 &&
    // The next revision must be a safe integer too.
    revision < Number.MAX_SAFE_INTEGER &&
    isTime(expiresAt) &&
    (subject === undefined ||
      (typeof subject === 'string' && subject.length > 0 && subject.length <= LONGEST_SUBJECT)) &&
    isUint8Array(payload)
  )
}

/** True for a time in ms since the epoch, or a duration in ms: a number from 0 to the latest time that a Date can hold. */
export function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LAST_TIME
}
