import type { SessionRecord } from '@sess/core'
import { decodeRecord, encodeRecord } from '@sess/core/record'

/*
 * What stands in the cache under a session's key: the origin's record, or a tombstone, as the payload of a record of the
 * cache's own. A tombstone is empty. The subject is not the cache's to index.
 */

/** A cache's record, and what it holds: the origin's record, or nothing, which is a tombstone. */
export interface Entry {
  readonly held: SessionRecord
  readonly record: SessionRecord | undefined
}

/** What the cache is to keep. */
export function encode(record: SessionRecord | undefined): Uint8Array {
  return record ? encodeRecord(record) : new Uint8Array()
}

/** Reads what the cache kept. Damaged bytes, and a record without a payload, are a tombstone: the origin is asked. */
export function decode(held: SessionRecord): Entry {
  const record = decodeRecord(held.payload)
  return { held, record: record?.payload.length ? record : undefined }
}
