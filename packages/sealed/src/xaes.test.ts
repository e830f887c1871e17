import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Xaes } from './xaes.ts'

// The vectors of https://c2sp.org/XAES-256-GCM. The first derives its subkey without a carry, the second with one.
test.each([
  [0x01, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
  [0x03, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
])('seals as the specification’s vector with key %i', (byte, associated, expected) => {
  const xaes = new Xaes(Buffer.alloc(32, byte))
  const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
  const sealed = xaes.seal(nonce, Buffer.from('XAES-256-GCM'), Buffer.from(associated))
  expect(sealed.toString('hex')).toBe(expected)
  expect(xaes.open(nonce, sealed, Buffer.from(associated))?.toString()).toBe('XAES-256-GCM')
})

test('XAES-256-GCM seals 10,000 random messages to the accumulated vector of its specification', () => {
  let [random, at] = [createHash('shake128', { outputLength: 2 ** 22 }).digest(), 0]
  const next = (length: number): Buffer => random.subarray(at, (at += length))
  const seen = createHash('shake128', { outputLength: 32 })
  for (let i = 0; i < 10_000; i++) {
    const [key, nonce] = [next(32), next(24)]
    const plaintext = next(next(1)[0]!)
    const associated = next(next(1)[0]!)
    const xaes = new Xaes(key)
    const sealed = xaes.seal(nonce, plaintext, associated)
    seen.update(sealed)
    if (i % 100 === 0) expect(xaes.open(nonce, sealed, associated)).toEqual(plaintext)
  }
  expect(at).toBeLessThan(random.length)
  expect(seen.digest('hex')).toBe('e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939')
})

test('XAES-256-GCM does not open a message with a flipped bit, a truncated message, or other additional data', () => {
  const xaes = new Xaes(Buffer.alloc(32, 9))
  const nonce = Buffer.alloc(24, 1)
  const sealed = xaes.seal(nonce, Buffer.from('message'), Buffer.from('with'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(xaes.open(nonce, changed, Buffer.from('with'))).toBeUndefined()
  }
  for (let length = 0; length < sealed.length; length++)
    expect(xaes.open(nonce, sealed.subarray(0, length), Buffer.from('with'))).toBeUndefined()
  for (let byte = 0; byte < nonce.length; byte++) {
    const changed = Buffer.from(nonce)
    changed[byte]! ^= 1
    expect(xaes.open(changed, sealed, Buffer.from('with'))).toBeUndefined()
  }
  expect(xaes.open(nonce, sealed, Buffer.from('else'))).toBeUndefined()
  expect(new Xaes(Buffer.alloc(32, 8)).open(nonce, sealed, Buffer.from('with'))).toBeUndefined()
})
