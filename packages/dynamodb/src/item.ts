import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { SessionKey, SessionRecord } from '@sess/core'
import { DAMAGED_RECORD, isSound } from '@sess/core/adapter'

/** An item: its attributes by name. */
export type Item = Record<string, AttributeValue>

/** The partition key. All sessions of a subject are in one partition, so that one consistent Query finds them. */
export const PARTITION_KEY = 'tag'
/** The sort key. */
export const SORT_KEY = 'id'
/** When DynamoDB may remove an item, in seconds since the epoch. */
export const TTL = 'purgeAt'

/**
 * The largest payload, in bytes. An item may have 409,600 bytes, which includes at most 39 for the names, 28 for the key, 3 × 21 for the
 * numbers and 1,024 for the subject.
 */
export const LARGEST_PAYLOAD = 408_000

/** How long after its expiry DynamoDB may remove a record, in s, so that a fast clock never removes a live record. */
const GRACE_S = 60

export function encodeKey({ tag, id }: SessionKey): Item {
  return { [PARTITION_KEY]: { S: tag }, [SORT_KEY]: { S: id } }
}

/** Encodes a record as an item, which shares no memory with the record. */
export function encode(key: SessionKey, { revision, expiresAt, subject, payload }: SessionRecord): Item {
  return {
    ...encodeKey(key),
    revision: number(revision),
    expiresAt: number(expiresAt),
    [TTL]: purgeAt(expiresAt),
    ...(subject !== undefined && { subject: { S: subject } }),
    // Not all versions of DynamoDB accept an empty binary value.
    ...(payload.length > 0 && { payload: { B: new Uint8Array(payload) } }),
  }
}

/**
 * Decodes an item. The result is `DAMAGED_RECORD`, which core reports, if an attribute has a wrong type or a number is out of range; it
 * is undefined if the item has no revision or no expiry.
 */
function decode(item: Item | undefined): SessionRecord | undefined {
  const { revision, expiresAt, subject, payload } = item ?? {}
  if (!revision || !expiresAt) return undefined
  const record = {
    revision: Number(revision.N),
    expiresAt: Number(expiresAt.N),
    ...(subject !== undefined && { subject: subject.S! }),
    payload: payload?.B ?? new Uint8Array(0),
  }
  return isSound(record) ? record : DAMAGED_RECORD
}

/** Decodes an item; undefined if its record is not live. */
export function live(item: Item | undefined, now: number): SessionRecord | undefined {
  const record = decode(item)
  return record && now < record.expiresAt ? record : undefined
}

export function number(value: number): AttributeValue {
  return { N: String(value) }
}

/** @param expiresAt - When the record ends, in ms. */
export function purgeAt(expiresAt: number): AttributeValue {
  return number(Math.ceil(expiresAt / 1000) + GRACE_S)
}
