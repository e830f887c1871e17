import { crc32 } from 'node:zlib'
import { decodeRecord, encodeRecord, type AnyRecord, type ExpectedRecord, type SessionRecord } from '@sess/core/adapter'

/*
 * What stands in the cache under a session's key, as the payload of a record of the cache's own: a checksum (CRC-32) and the
 * origin's record, or a tombstone, which is empty. The checksum covers the record's payload, too: of an entry that was changed
 * the origin is asked, while core could only end the session. The subject is not the cache's to index.
 */

const CHECKSUM = 4

/** A cache's record, and what it holds: the origin's record, or nothing, which is a tombstone. */
export interface Entry {
  readonly held: ExpectedRecord
  readonly record: SessionRecord | undefined
}

/** What the cache is to keep. */
export function encode(record: AnyRecord | undefined): Uint8Array {
  if (!record) return new Uint8Array()
  const bytes = encodeRecord(record)
  const checksum = Buffer.alloc(CHECKSUM)
  checksum.writeUInt32BE(crc32(bytes))
  return Buffer.concat([checksum, bytes])
}

/** Reads what the cache kept. Damaged bytes, and a record without a payload, are a tombstone: the origin is asked. */
export function decode(held: ExpectedRecord): Entry {
  const { buffer, byteOffset, byteLength } = held.payload
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  const record = bytes.subarray(CHECKSUM)
  if (bytes.length < CHECKSUM || bytes.readUInt32BE() !== crc32(record)) return { held, record: undefined }
  const decoded = decodeRecord(record)
  return { held, record: decoded?.payload.length ? decoded : undefined }
}
