import { createHash, createHmac, hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { SessionKey } from './store.ts'

const SECRET_BYTES = 24
const ID_BYTES = 12
const TAG_BYTES = 9
/** The length of the ID of a write, in characters. */
export const WRITE_ID = 12

/** A parsed cookie value: the key of the record, and the secret that opens it. */
export interface Token {
  readonly key: SessionKey
  readonly secret: string
}

/** Parses a cookie value: tag, id and secret, 60 base64url characters. Undefined for any other text. */
export function parseToken(value: string): Token | undefined {
  return /^[\w-]{60}$/.test(value) ? { key: keyOf(value), secret: value.slice(28) } : undefined
}

/** Parses a handle: tag and id, 28 base64url characters. Undefined for any other text. */
export function parseHandle(value: string): SessionKey | undefined {
  return /^[\w-]{28}$/.test(value) ? keyOf(value) : undefined
}

/** The handle of a key. */
export function handleOf(key: SessionKey): string {
  return key.tag + key.id
}

/** Makes a secret: 192 bits of the system's random generator, in base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** Makes a new key: the tag, and an id of 96 random bits. Without an argument, the tag is random too. */
export function newKey(tag: string = randomBytes(TAG_BYTES).toString('base64url')): SessionKey {
  return { tag, id: randomBytes(ID_BYTES).toString('base64url') }
}

/** Makes the ID of a logical write: 48 random bits. `randomUUID` is fast, since Node.js caches random bytes for it. */
export function newWriteId(): string {
  return randomUUID().slice(-WRITE_ID)
}

/** The hash of a secret that the store keeps: SHA-256 in base64url. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Derives 32 bytes from a secret's digest for a purpose. The bytes of one purpose reveal nothing about those of another. */
export function deriveKey(digest: string, purpose: string): Uint8Array {
  return createHmac('sha256', digest).update(`sess/key\0${purpose}`).digest()
}

/** Compares two digests in constant time. Two empty digests, of sessions without a secret, are equal. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && (a === '' || timingSafeEqual(Buffer.from(a), Buffer.from(b)))
}

/** The tag of a subject's sessions: 72 bits of a hash of the subject. The pepper is the key of the hash. */
export function subjectTag(subject: string, pepper: string | Uint8Array | undefined): string {
  const keyed = pepper === undefined ? createHash('sha256').update('sess/subject-tag\0') : createHmac('sha256', pepper)
  return keyed.update(subject).digest().subarray(0, TAG_BYTES).toString('base64url')
}

function keyOf(value: string): SessionKey {
  return { tag: value.slice(0, 12), id: value.slice(12, 28) }
}
