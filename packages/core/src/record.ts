/**
 * A record as one value, for a store whose backend keeps one under a key.
 *
 * @module
 */
import { asBuffer } from './envelope.ts'
import type { SessionRecord } from './store.ts'

/** How many bytes every record has: enough for its expiry and its revision. */
export const RECORD_HEAD = 18
const REVISION = 8
const LENGTH = 16

/**
 * The bytes of a record, big-endian: expiry and revision (doubles, which carry every number that JavaScript has), length of
 * the subject in bytes (16 bits), the subject, the payload. A backend's script finds expiry and revision at 0 and at 8.
 */
export function encodeRecord({ revision, expiresAt, subject = '', payload }: SessionRecord): Buffer {
  const length = Buffer.byteLength(subject)
  const bytes = Buffer.allocUnsafe(RECORD_HEAD + length + payload.length)
  bytes.writeDoubleBE(expiresAt)
  bytes.writeDoubleBE(revision, REVISION)
  bytes.writeUInt16BE(length, LENGTH)
  bytes.write(subject, RECORD_HEAD)
  bytes.set(payload, RECORD_HEAD + length)
  return bytes
}

/**
 * The record in bytes, live or not; its payload is a view of them. One that was cut within its subject has an empty payload,
 * which core reports as damaged; without a whole head there is none.
 */
export function decodeRecord(stored: Uint8Array): SessionRecord | undefined {
  const bytes = asBuffer(stored)
  if (bytes.length < RECORD_HEAD) return undefined
  const at = Math.min(RECORD_HEAD + bytes.readUInt16BE(LENGTH), bytes.length)
  return {
    revision: bytes.readDoubleBE(REVISION),
    expiresAt: bytes.readDoubleBE(),
    ...(at > RECORD_HEAD && { subject: bytes.toString('utf8', RECORD_HEAD, at) }),
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at),
  }
}
