import { runInNewContext } from 'node:vm'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { SessError } from '@sess/core'
import { expect, test } from 'vitest'
import { aesGcmSeal, createSealedSessions, type SealingKey } from './index.ts'

const key = randomBytes(32)
const message = Buffer.from('message')
const bound = Buffer.from('bound')

test('a key is 32 random bytes: raw, in base64url or in base64', () => {
  const sealed = aesGcmSeal({ keys: [key] }).seal(message, bound)
  for (const same of [new Uint8Array(key), key.toString('base64url'), key.toString('base64')]) {
    const seal = aesGcmSeal({ keys: [same] })
    expect(seal.open(sealed, bound)).toEqual(message)
    expect(seal.keyIds).toEqual(aesGcmSeal({ keys: [key] }).keyIds)
  }
})

test.each<[string, SealingKey[], string]>([
  ['no key at all', [], 'keys must be a list'],
  ['a passphrase', ['correct horse battery staple'], 'A passphrase is not enough'],
  ['a passphrase of 43 letters', ['it-was-the-best-of-times-it-was-the-worst-o'], 'A passphrase is not enough'],
  ['readable bytes', [Buffer.from('a passphrase of 32 bytes, aha!!!')], 'readable text'],
  ['readable bytes in base64', [Buffer.from('a passphrase of 32 bytes, aha!!!').toString('base64')], 'readable text'],
  ['zeros', [Buffer.alloc(32)], 'not random'],
  ['16 bytes', [randomBytes(16)], 'has 16 bytes'],
  ['hexadecimal', [key.toString('hex')], 'text of 64 characters'],
  ['an empty variable', [key, ''], 'keys[1]'],
  ['a variable that is not set', [key, undefined as unknown as string], 'environment variable'],
  ['one key twice', [key, key.toString('base64')], 'the same as keys[0]'],
])('refuses %s, says how to make one, and never shows it', (_, keys, expected) => {
  for (const make of [() => aesGcmSeal({ keys }), () => createSealedSessions({ keys })]) {
    let error: unknown
    try {
      make()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(SessError)
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringContaining(expected) })
    const shown = inspect(error, { depth: 9, showHidden: true })
    for (const given of keys) {
      if (!given) continue
      expect(shown).not.toContain(typeof given === 'string' ? given : Buffer.from(given).toString('base64url'))
      if (typeof given !== 'string') expect(shown).not.toContain(Buffer.from(given).toString('hex'))
    }
  }
})

test.each(['short', aesGcmSeal({ keys: [key] }).keyIds[0]!])('refuses to revoke the key ID %s', (id) => {
  expect(() => aesGcmSeal({ keys: [key], revokedKeyIds: [id] })).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('revokedKeyIds') }),
  )
})

test('neither a seal nor its key IDs show the key', () => {
  const seal = aesGcmSeal({ keys: [key] })
  const shown = inspect(seal, { depth: 9, showHidden: true })
  for (const encoding of ['base64url', 'base64', 'hex', 'latin1'] as const)
    expect(shown).not.toContain(key.toString(encoding))
  expect(seal.keyIds).toEqual([expect.stringMatching(/^[\w-]{8}$/)])
})

test('no two messages share a nonce', () => {
  const seal = aesGcmSeal({ keys: [key] })
  const nonces = Array.from({ length: 10_000 }, () => Buffer.from(seal.seal(message, bound)).toString('hex', 6, 30))
  expect(new Set(nonces).size).toBe(nonces.length)
})

test('the first key seals, every key opens; an unknown key is a configuration error, damaged bytes are not', () => {
  const [old, next] = [randomBytes(32), randomBytes(32)]
  const sealed = aesGcmSeal({ keys: [old, next] }).seal(message, bound)
  expect(aesGcmSeal({ keys: [old] }).open(sealed, bound)).toEqual(message)
  expect(aesGcmSeal({ keys: [next, old] }).open(sealed, bound)).toEqual(message)
  const without = aesGcmSeal({ keys: [next] })
  // A message may reach an error page, a cause is for logs.
  expect(() => without.open(sealed, bound)).toThrow(
    expect.objectContaining({
      code: 'configuration',
      message:
        'a session is sealed under a key that is not in keys; add this key to keys, after the first. Nothing was written',
      cause: expect.objectContaining({ message: expect.stringContaining(without.keyIds[0]!) }),
    }),
  )
  expect(aesGcmSeal({ keys: [old] }).open(sealed, Buffer.from('another record'))).toBeUndefined()
  expect(aesGcmSeal({ keys: [old] }).open(sealed.slice(0, 45), bound)).toBeUndefined()
  expect(aesGcmSeal({ keys: [old] }).open(new Uint8Array(), bound)).toBeUndefined()
})

test('a key may be of another realm, as a Buffer is under Jest', () => {
  const foreign = runInNewContext('Uint8Array.from(bytes)', { bytes: [...key] }) as Uint8Array
  expect(foreign).not.toBeInstanceOf(Uint8Array)
  expect(aesGcmSeal({ keys: [foreign] }).open(aesGcmSeal({ keys: [key] }).seal(message, bound), bound)).toEqual(message)
})
