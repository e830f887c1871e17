import { createHmac, randomBytes } from 'node:crypto'
import { isUint8Array } from 'node:util/types'
import { SessError } from '@sess/core'
import { KEY_BYTES, NONCE_BYTES, TAG_BYTES, Xaes } from './xaes.ts'

/** A key: 32 random bytes, or their text in base64url or base64. */
export type SealingKey = string | Uint8Array

/** Which keys seal and open. */
export interface KeyRingOptions {
  /** The first key seals, and all keys open. Add a new key at the end first, on every server; then move it to the front. */
  readonly keys: readonly SealingKey[]
  /**
   * IDs of keys that must not be trusted any more. A session under such a key counts as damaged, and its user must sign in again. A
   * session under any other key that is not in `keys` rejects with `configuration`. Default: none.
   */
  readonly revokedKeyIds?: readonly string[]
}

const ID_BYTES = 6
/** How much longer a sealed message is than its plaintext, in bytes: the key's ID, the nonce and the tag. */
export const OVERHEAD: number = ID_BYTES + NONCE_BYTES + TAG_BYTES

const GENERATE = 'make one with: node -p "crypto.randomBytes(32).toString(\'base64url\')"'
/** How many different bytes a key must have. 32 random bytes have fewer with a probability of 2^-82. */
const FEWEST_DIFFERENT = 12

/** A list of keys. The first key seals, and all keys open. */
export class KeyRing {
  /** The IDs of the keys, in their order. */
  readonly ids: readonly string[]
  readonly #keys: ReadonlyMap<string, Xaes>
  readonly #revoked: ReadonlySet<string>

  /** @throws {SessError} `invalid_option`; the message names a key by its place in the list, never by its content. */
  constructor({ keys, revokedKeyIds = [] }: KeyRingOptions) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw new SessError('invalid_option', `keys must be a list of at least one key; ${GENERATE}`)
    const bytes = keys.map((key: SealingKey, i) => bytesOf(key, `keys[${i}]`))
    this.ids = bytes.map(idOf)
    this.ids.forEach((id, i) => {
      const first = this.ids.indexOf(id)
      if (first < i)
        throw new SessError('invalid_option', `keys[${i}] is the same as keys[${first}]; give each key once`)
    })
    for (const id of revokedKeyIds)
      if (!/^[\w-]{8}$/.test(id) || this.ids.includes(id))
        throw new SessError('invalid_option', 'revokedKeyIds must be IDs (as in keyIds) of keys that are not in keys')
    this.#keys = new Map(bytes.map((key, i) => [this.ids[i]!, new Xaes(key)]))
    this.#revoked = new Set(revokedKeyIds)
  }

  /** Seals a message. The result is the key's ID, a nonce, the ciphertext and its tag. */
  seal(plaintext: Uint8Array, associated: Uint8Array): Uint8Array {
    const id = Buffer.from(this.ids[0]!, 'base64url')
    const nonce = randomBytes(NONCE_BYTES)
    return Buffer.concat([id, nonce, this.#keys.get(this.ids[0]!)!.seal(nonce, plaintext, bound(id, associated))])
  }

  /** True if the key of a sealed message is in the ring or was revoked. */
  knows(sealed: Uint8Array): boolean {
    const name = nameIn(sealed)
    return this.#keys.has(name) || this.#revoked.has(name)
  }

  /**
   * Opens a message. Undefined if it was not sealed with this associated data, was changed since, or is sealed under a revoked key.
   *
   * @throws {SessError} `configuration` if the key is not in the ring.
   */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
    if (sealed.length < OVERHEAD) return undefined
    const name = nameIn(sealed)
    if (this.#revoked.has(name)) return undefined
    const key = this.#keys.get(name)
    if (!key)
      throw new SessError(
        'configuration',
        'a session is sealed under a key that is not in keys; add this key to keys, after the first. Nothing was written',
        { cause: new Error(`the key has the ID ${name}, and keys has ${this.ids.join(', ')}`) },
      )
    const nonce = sealed.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES)
    return key.open(nonce, sealed.subarray(ID_BYTES + NONCE_BYTES), bound(sealed.subarray(0, ID_BYTES), associated))
  }
}

function nameIn(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(0, ID_BYTES)).toString('base64url')
}

/** Makes the ID of a key: an HMAC under the key. Different keys have different IDs, and an ID does not reveal its key. */
function idOf(key: Uint8Array): string {
  return createHmac('sha256', key).update('sess/key-id').digest().subarray(0, ID_BYTES).toString('base64url')
}

function bound(id: Uint8Array, associated: Uint8Array): Buffer {
  return Buffer.concat([id, associated])
}

function bytesOf(key: unknown, name: string): Uint8Array {
  const refuse = (what: string): never => {
    throw new SessError('invalid_option', `${name} ${what}; ${GENERATE}`)
  }
  let bytes: Uint8Array
  if (typeof key === 'string') {
    // 43 random characters without a capital have a probability of 2^-32; passphrases often have none.
    if (!/^[\w+/-]{43}=?$/.test(key) || !/[A-Z]/.test(key) || !/[a-z]/.test(key))
      refuse(
        `is text of ${key.length} characters, which is not a key: a key is ${KEY_BYTES} random bytes in base64url, 43 characters. A passphrase is not enough`,
      )
    bytes = Buffer.from(key, 'base64url')
  } else if (isUint8Array(key)) {
    if (key.length !== KEY_BYTES) refuse(`has ${key.length} bytes, and a key has ${KEY_BYTES}`)
    bytes = new Uint8Array(key)
  } else {
    return refuse(`is ${key === undefined ? 'undefined (an environment variable that is not set?)' : 'not a key'}`)
  }
  if (new Set(bytes).size < FEWEST_DIFFERENT) refuse('repeats bytes, and is not random')
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) refuse('consists of readable text, and is not random')
  return bytes
}
