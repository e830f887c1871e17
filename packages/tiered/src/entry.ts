import type { SessionRecord } from '@sess/core'

/*
 * What stands in the cache under a session's key: the origin's record, or a tombstone, as the payload of a record of the
 * cache's own. Big-endian: revision (double), expiry (double), length of the subject in bytes (16 bits), the subject, the
 * payload. A tombstone is empty. The subject is not the cache's to index.
 */
const HEAD = 18

/** A cache's record, and what it holds: the origin's record, or nothing, which is a tombstone. */
export interface Entry {
  readonly held: SessionRecord
  readonly record: SessionRecord | undefined
}

/** What the cache is to keep. */
export function encode(record: SessionRecord | undefined): Uint8Array {
  if (!record) return new Uint8Array()
  const { revision, expiresAt, subject = '', payload } = record
  const bytes = Buffer.concat([Buffer.alloc(HEAD), Buffer.from(subject), payload])
  bytes.writeDoubleBE(revision)
  bytes.writeDoubleBE(expiresAt, 8)
  bytes.writeUInt16BE(bytes.length - HEAD - payload.length, 16)
  return bytes
}

/** Reads what the cache kept. Damaged bytes are a tombstone: the origin is asked. */
export function decode(held: SessionRecord): Entry {
  const { buffer, byteOffset, byteLength } = held.payload
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  const end = bytes.length < HEAD ? Infinity : HEAD + bytes.readUInt16BE(16)
  if (end > bytes.length) return { held, record: undefined }
  const record = {
    revision: bytes.readDoubleBE(),
    expiresAt: bytes.readDoubleBE(8),
    ...(end > HEAD && { subject: bytes.toString('utf8', HEAD, end) }),
    payload: new Uint8Array(buffer, byteOffset + end, byteLength - end),
  }
  return { held, record }
}
