import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { SessionKey, SessionRecord } from '@sess/core'
import { DAMAGED_RECORD, isSound } from '@sess/core/adapter'

/** Attributes by their names. */
export type Item = Record<string, AttributeValue>

/** The partition key: the sessions of a subject lie together, and one consistent Query finds them. */
export const PARTITION_KEY = 'tag'
/** The sort key. */
export const SORT_KEY = 'id'
/** When DynamoDB may remove an item, in seconds since the epoch. */
export const TTL = 'purgeAt'

/**
 * The largest payload, in bytes. An item may have 409,600, names included. Beside the payload there are at most 39 for the
 * names, 28 for the key, 3 × 21 for the numbers and 1,024 for the subject.
 */
export const LARGEST_PAYLOAD = 408_000

/** How much later than a record's end DynamoDB may remove it, in s: a clock that runs fast never removes a live record. */
const GRACE = 60

export function encodeKey({ tag, id }: SessionKey): Item {
  return { [PARTITION_KEY]: { S: tag }, [SORT_KEY]: { S: id } }
}

/** The item to store. It shares no bytes with the record. */
export function encode(key: SessionKey, { revision, expiresAt, subject, payload }: SessionRecord): Item {
  return {
    ...encodeKey(key),
    revision: number(revision),
    expiresAt: number(expiresAt),
    [TTL]: purgeAt(expiresAt),
    ...(subject !== undefined && { subject: { S: subject } }),
    // Not all versions of DynamoDB take empty bytes.
    ...(payload.length > 0 && { payload: { B: new Uint8Array(payload) } }),
  }
}

/**
 * The record in an item; a damaged one, which core reports, where an attribute is of another type, or a number out of range.
 * What lacks its numbers is none.
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

/** The record in an item, if it is live. */
export function live(item: Item | undefined, now: number): SessionRecord | undefined {
  const record = decode(item)
  return record && now < record.expiresAt ? record : undefined
}

export function number(value: number): AttributeValue {
  return { N: String(value) }
}

/** @param expiresAt - When the record ends, in ms. */
export function purgeAt(expiresAt: number): AttributeValue {
  return number(Math.ceil(expiresAt / 1000) + GRACE)
}
