import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { SessError, type Seal } from '@sess/core'

/**
 * Makes a seal with AES-256-GCM, for the cases on ciphertext if the harness has no seal. Sealed bytes are the name of the key, a
 * nonce, the tag, and the ciphertext. It seals with the first key.
 */
export function aesGcm(...names: readonly [string, ...string[]]): Seal {
  const keys = new Map(names.map((name) => [nameOf(name), createHash('sha256').update(name).digest()]))
  const [first] = keys.keys()
  return {
    seal(bytes, bound) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', keys.get(first!)!, nonce).setAAD(bound)
      const text = Buffer.concat([cipher.update(bytes), cipher.final()])
      return Buffer.concat([Buffer.from(first!), nonce, cipher.getAuthTag(), text])
    },
    open(bytes, bound) {
      const sealed = Buffer.from(bytes)
      if (sealed.length < 36) return undefined
      const key = keys.get(sealed.toString('latin1', 0, 8))
      if (!key) throw new SessError('configuration', 'the record is sealed with a key that is not given here')
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(8, 20)).setAAD(bound)
      decipher.setAuthTag(sealed.subarray(20, 36))
      try {
        return Buffer.concat([decipher.update(sealed.subarray(36)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}

function nameOf(name: string): string {
  return name.padEnd(8).slice(0, 8)
}
