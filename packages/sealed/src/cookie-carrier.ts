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
  // More than any cookie takes: what counts is the cookie as it is sealed.
  maxPayloadBytes: 65_536,
  expiryResolutionMs: 1,
  needsPepper: false,
  staleMs: 0,
})

/**
 * Stands where core looks for a store, for one session of one request: whatever is written is sealed, to be taken to the
 * browser. There is nobody else to compare with, so every write succeeds that fits and comes before the response.
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

  /** The cookie value of what was written last. */
  get value(): string | undefined {
    return this.#value
  }

  /** The session that the request came with. */
  carry(key: SessionKey): void {
    this.#handle = handleOf(key)
  }

  /** The response's head has left: no cookie can follow it. */
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
    // A login turns the session that it came from into a marker; here its cookie is overwritten, and that is all.
    if (handleOf(key) === this.#handle) this.#seal(key, next)
    return 'replaced'
  }

  async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number): Promise<'touched' | 'conflict'> {
    // To core: somebody else has moved the clock. Too late is no error where nothing was changed.
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
        `the cookie value would have ${value.length} characters, and may have ${this.#maxLength}: browsers drop cookies of more than 4,096 bytes. Keep large things elsewhere and their IDs here, or sessions in a store`,
      )
    this.#value = value
  }

  #needCookie(): void {
    if (this.#closed)
      throw new SessError(
        'response_started',
        'a sealed session lies in its cookie, and the response has started; change or end it earlier',
      )
  }
}
