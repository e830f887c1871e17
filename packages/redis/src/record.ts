import type { SessionRecord } from '@sess/core'

/*
 * A record as one value, big-endian: revision (double), expiry (double), length of the subject in bytes (16 bits), the
 * subject, the payload. Doubles carry every number that JavaScript has. The scripts know the offsets. No subject is empty.
 */
const HEAD = 18

/** The bytes to store: a copy. */
export function encode({ revision, expiresAt, subject, payload }: SessionRecord): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(16), encodeSubject(subject), payload])
  bytes.writeDoubleBE(revision)
  bytes.writeDoubleBE(expiresAt, 8)
  return bytes
}

/** The record in stored bytes. A cut one has an empty payload, which core reports; without a whole head there is none. */
export function decode(bytes: Buffer | null | undefined): SessionRecord | undefined {
  if (!bytes || bytes.length < HEAD) return undefined
  const at = Math.min(HEAD + bytes.readUInt16BE(16), bytes.length)
  return {
    revision: bytes.readDoubleBE(),
    expiresAt: bytes.readDoubleBE(8),
    ...(at > HEAD && { subject: bytes.toString('utf8', HEAD, at) }),
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at, bytes.length - at),
  }
}

/** A subject as it stands in a record, length first. */
export function encodeSubject(subject = ''): Buffer {
  const named = Buffer.from(`\0\0${subject}`)
  named.writeUInt16BE(named.length - 2)
  return named
}

/** An expiry as it stands in a record. */
export function encodeExpiry(expiresAt: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(expiresAt)
  return bytes
}
