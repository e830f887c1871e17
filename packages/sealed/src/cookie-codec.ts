import type { SessionKey, SessionRecord } from '@sess/core'
import { decodeEnvelope, encodeEnvelope, frame, unframe } from '@sess/core/internal'
import { OVERHEAD, type KeyRing } from './key-ring.ts'

/**
 * A cookie value is base64url of:
 *
 * - the head, not encrypted: two letters and a version; the absolute end of the session, in seconds since the epoch;
 * - the body, sealed with the head as associated data: the session's key, its expiry in ms, the length of its subject, the subject,
 *   and core's payload.
 */
const MAGIC = [0x53, 0x63, 1] as const
const SECONDS_AT = MAGIC.length
const SECONDS_BYTES = 5
const HEAD = SECONDS_AT + SECONDS_BYTES

const KEY_BYTES = 21
const EXPIRY_AT = KEY_BYTES
const LENGTH_AT = EXPIRY_AT + 6
const SUBJECT_AT = LENGTH_AT + 2

/** The longest cookie value, in characters: browsers accept 4,096 bytes of name and value. */
export const LONGEST = 4094

/** Associated data that separates these cookies from other messages under the same keys. */
const PURPOSE = Buffer.from('sess/cookie\n')

/** The result of opening a cookie value: a record, or the reason why it was rejected. */
export type Opened =
  | { readonly key: SessionKey; readonly record: SessionRecord }
  | { readonly rejected: 'malformed' | 'expired' | 'undecodable' }

/** Seals a record as a cookie value. It leaves out the earlier secrets and the write log, which are only useful in a store. */
export function sealCookie(ring: KeyRing, key: SessionKey, record: SessionRecord): string {
  const { envelope, data } = decodeEnvelope(unframe(record.payload, record.subject)!.body!)!
  const payload = frame(encodeEnvelope({ ...envelope, earlier: [], writes: '' }, data), false, record.subject)
  const subject = Buffer.from(record.subject ?? '')
  const fixed = Buffer.alloc(SUBJECT_AT)
  fixed.write(key.tag + key.id, 'base64url')
  fixed.writeUIntBE(record.expiresAt, EXPIRY_AT, 6)
  fixed.writeUInt16BE(subject.length, LENGTH_AT)
  const head = Buffer.alloc(HEAD)
  head.set(MAGIC)
  head.writeUIntBE(Math.ceil(envelope.absoluteAt / 1000), SECONDS_AT, SECONDS_BYTES)
  const sealed = ring.seal(Buffer.concat([fixed, subject, payload]), bound(head))
  return Buffer.concat([head, sealed]).toString('base64url')
}

/**
 * Opens a cookie value.
 *
 * @throws {SessError} `configuration` if the key is not in the ring, unless the session has expired anyway.
 */
export function openCookie(ring: KeyRing, value: string, now: number): Opened {
  const bytes = value.length <= LONGEST && /^[\w-]+$/.test(value) ? Buffer.from(value, 'base64url') : Buffer.alloc(0)
  if (bytes.length < HEAD + OVERHEAD || MAGIC.some((byte, i) => bytes[i] !== byte)) return { rejected: 'malformed' }
  const head = bytes.subarray(0, HEAD)
  const sealed = bytes.subarray(HEAD)
  // The head is not authenticated yet. But a browser with an expired cookie, whose key was removed, must get a new session, and no error.
  if (!ring.knows(sealed) && head.readUIntBE(SECONDS_AT, SECONDS_BYTES) * 1000 <= now) return { rejected: 'expired' }
  const opened = ring.open(sealed, bound(head))
  if (!opened || opened.length < SUBJECT_AT) return { rejected: 'undecodable' }
  const body = Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength)
  const expiresAt = body.readUIntBE(EXPIRY_AT, 6)
  if (expiresAt <= now) return { rejected: 'expired' }
  const handle = body.toString('base64url', 0, KEY_BYTES)
  const payloadAt = SUBJECT_AT + body.readUInt16BE(LENGTH_AT)
  if (payloadAt > body.length) return { rejected: 'undecodable' }
  const subject = body.toString('utf8', SUBJECT_AT, payloadAt)
  return {
    key: { tag: handle.slice(0, 12), id: handle.slice(12) },
    record: { revision: 1, expiresAt, payload: body.subarray(payloadAt), ...(subject && { subject }) },
  }
}

function bound(head: Uint8Array): Buffer {
  return Buffer.concat([PURPOSE, head])
}
