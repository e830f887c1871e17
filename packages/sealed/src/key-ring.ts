import { createHmac, randomBytes } from 'node:crypto'
import { isUint8Array } from 'node:util/types'
import { SessError } from '@sess/core'
import { KEY_BYTES, NONCE_BYTES, TAG_BYTES, Xaes } from './xaes.ts'

/** A key: 32 random bytes, or the same as text, in base64url or base64. */
export type SealingKey = string | Uint8Array

/** Which keys seal and open. */
export interface KeyRingOptions {
  /** The first seals, all of them open. A new one goes behind the others first, on every server; then to the front. */
  readonly keys: readonly SealingKey[]
  /**
   * IDs of keys that are no longer to be trusted: a session under one reads as damaged, and its user signs in again. Under
   * any other key that is not in `keys` it rejects with `configuration`. Default: none.
   */
  readonly revokedKeyIds?: readonly string[]
}

const ID_BYTES = 6
/** How many bytes a sealed message is longer than what was sealed: the key's ID, the nonce, the tag. */
export const OVERHEAD: number = ID_BYTES + NONCE_BYTES + TAG_BYTES

const GENERATE = 'make one with: node -p "crypto.randomBytes(32).toString(\'base64url\')"'
/** Of 32 random bytes, fewer are different with a chance of 2^-82. */
const FEWEST_DIFFERENT = 12

/** Keys by their IDs. The first seals, all of them open. */
export class KeyRing {
  /** The IDs, in the order of the keys. */
  readonly ids: readonly string[]
  readonly #keys: ReadonlyMap<string, Xaes>
  readonly #revoked: ReadonlySet<string>

  /** @throws {SessError} `invalid_option`, naming the key by its place, never by its content. */
  constructor({ keys, revokedKeyIds = [] }: KeyRingOptions) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw new SessError('invalid_option', `keys must be a list of at least one key; ${GENERATE}`)
    const bytes = keys.map((key: SealingKey, i) => bytesOf(key, `keys[${i}]`))
    this.ids = bytes.map(idOf)
    this.ids.forEach((id, i) => {
      const first = this.ids.indexOf(id)
      if (first < i)
        throw new SessError('invalid_option', `keys[${i}] is the same as keys[${first}]; a new key must be another one`)
    })
    for (const id of revokedKeyIds)
      if (!/^[\w-]{8}$/.test(id) || this.ids.includes(id))
        throw new SessError(
          'invalid_option',
          'revokedKeyIds must be IDs, as keyIds shows them, of keys that are not in keys',
        )
    this.#keys = new Map(bytes.map((key, i) => [this.ids[i]!, new Xaes(key)]))
    this.#revoked = new Set(revokedKeyIds)
  }

  /** The key's ID, a nonce, the ciphertext and its tag. */
  seal(plaintext: Uint8Array, associated: Uint8Array): Uint8Array {
    const id = Buffer.from(this.ids[0]!, 'base64url')
    const nonce = randomBytes(NONCE_BYTES)
    return Buffer.concat([id, nonce, this.#keys.get(this.ids[0]!)!.seal(nonce, plaintext, bound(id, associated))])
  }

  /** True unless the key that sealed this is none of the ring's, and was not revoked. */
  knows(sealed: Uint8Array): boolean {
    const name = nameIn(sealed)
    return this.#keys.has(name) || this.#revoked.has(name)
  }

  /**
   * Undefined for what was not sealed so, was changed since, or is sealed under a revoked key.
   *
   * @throws {SessError} `configuration` for a key that is not in the ring.
   */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
    if (sealed.length < OVERHEAD) return undefined
    const name = nameIn(sealed)
    if (this.#revoked.has(name)) return undefined
    const key = this.#keys.get(name)
    if (!key)
      throw new SessError(
        'configuration',
        'a session is sealed under a key that keys does not have; add that key here, behind the first. Nothing was written',
        { cause: new Error(`the key has the ID ${name}, and keys has ${this.ids.join(', ')}`) },
      )
    const nonce = sealed.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES)
    return key.open(nonce, sealed.subarray(ID_BYTES + NONCE_BYTES), bound(sealed.subarray(0, ID_BYTES), associated))
  }
}

function nameIn(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(0, ID_BYTES)).toString('base64url')
}

/** A key's ID is made of the key: another key never goes by the same name, and the name tells nothing of the key. */
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
    // Of 43 random characters none is a capital with a chance of 2^-32; of a passphrase, many a time.
    if (!/^[\w+/-]{43}=?$/.test(key) || !/[A-Z]/.test(key) || !/[a-z]/.test(key))
      refuse(
        `is text of ${key.length} characters, and no key: a key is ${KEY_BYTES} random bytes in base64url, 43 characters. A passphrase is not enough`,
      )
    bytes = Buffer.from(key, 'base64url')
  } else if (isUint8Array(key)) {
    if (key.length !== KEY_BYTES) refuse(`has ${key.length} bytes, and a key has ${KEY_BYTES}`)
    bytes = new Uint8Array(key)
  } else {
    return refuse(`is ${key === undefined ? 'undefined (an environment variable that is not set?)' : 'no key'}`)
  }
  if (new Set(bytes).size < FEWEST_DIFFERENT) refuse('repeats itself, and is not random')
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) refuse('consists of readable text, and is not random')
  return bytes
}
