import { createCipheriv, createDecipheriv, type Cipheriv } from 'node:crypto'

/** The length of a nonce, in bytes: long enough for a random nonce in every message. */
export const NONCE_BYTES = 24
/** The length of the tag after the ciphertext, in bytes. */
export const TAG_BYTES = 16
/** The length of a key, in bytes. */
export const KEY_BYTES = 32

const BLOCK = 16
const GCM_NONCE_BYTES = 12

/**
 * XAES-256-GCM, as C2SP specifies it. Each message has a key of its own, which CMAC-AES-256 (NIST SP 800-108r1) derives from the first
 * half of a random nonce of 192 bits. AES-256-GCM seals the message with this key and the other half as nonce. Among 2^80 messages
 * under one key, two share a nonce with a probability of 2^-33; with plain AES-256-GCM this is so after 2^32 messages.
 *
 * @see https://c2sp.org/XAES-256-GCM
 */
export class Xaes {
  /** AES in ECB mode, which is all that CMAC of one block needs. */
  readonly #aes: Cipheriv
  /** The subkey that CMAC combines with a complete last block. */
  readonly #subkey: Buffer

  /** @param key - 32 bytes. */
  constructor(key: Uint8Array) {
    this.#aes = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
    this.#subkey = doubled(this.#aes.update(Buffer.alloc(BLOCK)))
  }

  /** Seals a message. Returns ciphertext and tag. Use each nonce for one message only. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(nonce), nonce.subarray(GCM_NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    }).setAAD(associated)
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  /** Opens a message. Undefined if ciphertext, tag or associated data were changed. */
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Buffer | undefined {
    if (sealed.length < TAG_BYTES) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(nonce), nonce.subarray(GCM_NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(associated)
      .setAuthTag(sealed.subarray(-TAG_BYTES))
    const plaintext = decipher.update(sealed.subarray(0, -TAG_BYTES))
    try {
      return Buffer.concat([plaintext, decipher.final()])
    } catch {
      return undefined
    }
  }

  /** The key of one message: two blocks of CMAC over a counter, the label X, and the first half of the nonce. */
  #keyOf(nonce: Uint8Array): Buffer {
    const blocks = Buffer.alloc(2 * BLOCK)
    for (const counter of [1, 2]) {
      const block = blocks.subarray((counter - 1) * BLOCK, counter * BLOCK)
      block.set([0, counter, 0x58, 0])
      block.set(nonce.subarray(0, GCM_NONCE_BYTES), 4)
      for (let i = 0; i < BLOCK; i++) block[i]! ^= this.#subkey[i]!
    }
    return this.#aes.update(blocks)
  }
}

/** A block doubled in GF(2^128), in constant time: NIST SP 800-38B, section 6.1. */
function doubled(block: Buffer): Buffer {
  const result = Buffer.alloc(BLOCK)
  for (let i = 0; i < BLOCK; i++) result[i] = (block[i]! << 1) | ((block[i + 1] ?? 0) >> 7)
  result[BLOCK - 1]! ^= (block[0]! >> 7) * 0x87
  return result
}
