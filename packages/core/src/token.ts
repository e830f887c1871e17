import { createHash, createHmac, hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { SessionKey } from './store.ts'

const SECRET_BYTES = 24
const ID_BYTES = 12
const TAG_BYTES = 9
/** How many characters the ID of a write has. */
export const WRITE_ID = 12

/** What a cookie value holds: where the record is, and the secret that opens it. */
export interface Token {
  readonly key: SessionKey
  readonly secret: string
}

/** Reads a cookie value: tag, id and secret, 60 base64url characters. Undefined if it is anything else. */
export function parseToken(value: string): Token | undefined {
  return /^[\w-]{60}$/.test(value) ? { key: keyOf(value), secret: value.slice(28) } : undefined
}

/** Reads a handle: tag and id, 28 base64url characters. Undefined if it is anything else. */
export function parseHandle(value: string): SessionKey | undefined {
  return /^[\w-]{28}$/.test(value) ? keyOf(value) : undefined
}

/** The handle of a key. */
export function handleOf(key: SessionKey): string {
  return key.tag + key.id
}

/** 192 random bits, from the system's generator. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** A key that no session has had: 96 random bits under the tag. Without a tag, that is random too. */
export function newKey(tag: string = randomBytes(TAG_BYTES).toString('base64url')): SessionKey {
  return { tag, id: randomBytes(ID_BYTES).toString('base64url') }
}

/** An ID for one logical write: 48 random bits, of those that Node draws in advance. */
export function newWriteId(): string {
  return randomUUID().slice(-WRITE_ID)
}

/** What the store may know of a secret. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** 32 bytes that follow from a secret's digest, for one purpose: from those of one purpose nothing can be learned of another's. */
export function deriveKey(digest: string, purpose: string): Uint8Array {
  return createHmac('sha256', digest).update(`sess/key\0${purpose}`).digest()
}

/** Compares two digests in constant time. Two empty ones are the same: of sessions that have no secret. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && (a === '' || timingSafeEqual(Buffer.from(a), Buffer.from(b)))
}

/** The tag under which a subject's sessions lie: 72 bits of a keyed hash, or of a plain one without a pepper. */
export function subjectTag(subject: string, pepper: string | Uint8Array | undefined): string {
  const keyed = pepper === undefined ? createHash('sha256').update('sess/subject-tag\0') : createHmac('sha256', pepper)
  return keyed.update(subject).digest().subarray(0, TAG_BYTES).toString('base64url')
}

function keyOf(value: string): SessionKey {
  return { tag: value.slice(0, 12), id: value.slice(12, 28) }
}
