import type { SessionRecord } from '@sess/core'

/*
 * A record as one value, big-endian: revision (double), expiry (double), length of the subject in bytes (16 bits), the
 * subject, the payload. Doubles carry every number that JavaScript has. The scripts know the offsets. No subject is empty.
 */
const EXPIRY = 8
const LENGTH = 16
/** How long the part is that every record has. */
export const HEAD = 18

/** The bytes to store: a copy. */
export function encode({ revision, expiresAt, subject = '', payload }: SessionRecord): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(HEAD), Buffer.from(subject), payload])
  bytes.writeDoubleBE(revision)
  bytes.writeDoubleBE(expiresAt, EXPIRY)
  bytes.writeUInt16BE(Buffer.byteLength(subject), LENGTH)
  return bytes
}

/** An expiry as it stands in a record. */
export function encodeExpiry(record: SessionRecord): Buffer {
  return encode(record).subarray(EXPIRY, LENGTH)
}

/** The record in stored bytes, if it is live. A cut one has an empty payload, which core reports; without a whole head there is none. */
export function decode(bytes: Buffer | null | undefined, now: number): SessionRecord | undefined {
  if (!bytes || bytes.length < HEAD || !(now < bytes.readDoubleBE(EXPIRY))) return undefined
  const at = Math.min(HEAD + bytes.readUInt16BE(LENGTH), bytes.length)
  return {
    revision: bytes.readDoubleBE(),
    expiresAt: bytes.readDoubleBE(EXPIRY),
    ...(at > HEAD && { subject: bytes.toString('utf8', HEAD, at) }),
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at),
  }
}
