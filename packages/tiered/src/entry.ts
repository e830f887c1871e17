import { crc32 } from 'node:zlib'
import { decodeRecord, encodeRecord, type AnyRecord, type ExpectedRecord, type SessionRecord } from '@sess/core/adapter'

/*
 * The payload of the cache's record under a session's key: a checksum (CRC-32) and the encoded record of the origin; or nothing, which is
 * a tombstone. The checksum also covers the payload of the origin's record: if an entry was damaged, the origin is asked, while core
 * could only end the session. The cache's record has no subject, so the cache need not index subjects.
 */

const CHECKSUM = 4

/** A record of the cache, and the origin's record in it; undefined: it is a tombstone. */
export interface Entry {
  readonly held: ExpectedRecord
  readonly record: SessionRecord | undefined
}

/** Encodes an entry. @param record - The origin's record; undefined: a tombstone. */
export function encode(record: AnyRecord | undefined): Uint8Array {
  if (!record) return new Uint8Array()
  const bytes = encodeRecord(record)
  const checksum = Buffer.alloc(CHECKSUM)
  checksum.writeUInt32BE(crc32(bytes))
  return Buffer.concat([checksum, bytes])
}

/** Decodes an entry. Damaged bytes, and a record without a payload, count as a tombstone, so that the origin is asked. */
export function decode(held: ExpectedRecord): Entry {
  const { buffer, byteOffset, byteLength } = held.payload
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  const record = bytes.subarray(CHECKSUM)
  if (bytes.length < CHECKSUM || bytes.readUInt32BE() !== crc32(record)) return { held, record: undefined }
  const decoded = decodeRecord(record)
  return { held, record: decoded?.payload.length ? decoded : undefined }
}
