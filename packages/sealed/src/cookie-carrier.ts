import {
  SessError,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
} from '@sess/core/adapter'
import { handleOf } from '@sess/core/internal'
import { sealCookie } from './cookie-codec.ts'
import type { KeyRing } from './key-ring.ts'

const TRAITS: StoreTraits = Object.freeze<StoreTraits>({
  // More than any cookie can hold. The limit that counts is that of the sealed cookie.
  maxPayloadBytes: 65_536,
  expiryResolutionMs: 1,
  needsPepper: false,
  staleMs: 0,
})

/**
 * The store of one session in one request. A write seals the record as a cookie value for the browser. There is no stored record to
 * compare with, so every write succeeds that fits into a cookie and comes before the response.
 */
export class CookieCarrier implements SessionStore {
  readonly name = 'sealed cookie'
  readonly traits: StoreTraits = TRAITS
  readonly #ring: KeyRing
  readonly #maxLength: number
  #handle: string | undefined
  #value: string | undefined
  #closed = false

  constructor(ring: KeyRing, maxLength: number) {
    this.#ring = ring
    this.#maxLength = maxLength
  }

  /** The cookie value of the last write. */
  get value(): string | undefined {
    return this.#value
  }

  /** Sets the key of the request's session. */
  carry(key: SessionKey): void {
    this.#handle = handleOf(key)
  }

  /** Call it when the head of the response has left, so that no cookie can be set any more. */
  closeCookie(): void {
    this.#closed = true
  }

  async read(): Promise<undefined> {
    return undefined
  }

  async create(key: SessionKey, record: SessionRecord): Promise<boolean> {
    this.#seal(key, record)
    this.carry(key)
    return true
  }

  async replace(key: SessionKey, _: ExpectedRecord, next: SessionRecord): Promise<'replaced'> {
    // A login also replaces the old session by a marker. Here this write is ignored, since the new cookie overwrites the old one.
    if (handleOf(key) === this.#handle) this.#seal(key, next)
    return 'replaced'
  }

  async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number): Promise<'touched' | 'conflict'> {
    // Too late for a cookie, but no error, since nothing has changed. For core, `conflict` means that another request has moved the expiry.
    if (this.#closed) return 'conflict'
    this.#seal(key, { ...expected, expiresAt })
    return 'touched'
  }

  async delete(): Promise<boolean> {
    this.#needCookie()
    return true
  }

  #seal(key: SessionKey, record: SessionRecord): void {
    this.#needCookie()
    const value = sealCookie(this.#ring, key, record)
    if (value.length > this.#maxLength)
      throw new SessError(
        'too_large',
        `the cookie value would have ${value.length} characters, and may have ${this.#maxLength}: browsers drop cookies of more than 4,096 bytes. Keep large things elsewhere and their IDs in the session, or keep sessions in a store`,
      )
    this.#value = value
  }

  #needCookie(): void {
    if (this.#closed)
      throw new SessError(
        'response_started',
        'a sealed session is stored in its cookie, and the response has started; change or end the session earlier',
      )
  }
}
