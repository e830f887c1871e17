import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { memoryStore, SessError, type Seal } from '@sess/core'
import { encodeEnvelope, frame, settingsOf, unpack } from '@sess/core/internal'
import { expect, test } from 'vitest'
import { fuzz, type Draw } from '../../core/test/fuzz.ts'
import { hostileEnvelope, SOUND } from '../../core/test/hostile-envelopes.ts'
import { openCookie, sealCookie } from './cookie-codec.ts'
import { aesGcmSeal } from './index.ts'
import { KeyRing, OVERHEAD } from './key-ring.ts'

/*
 * Whoever has the key, or a key that was stolen, seals what they like: what is opened is checked like any other bytes.
 */

const NOW = SOUND.createdAt + 1000
const KEY = { tag: 'a'.repeat(12), id: 'b'.repeat(16) }
const TIMEOUT_MS = 600_000
const options = { keys: [randomBytes(32)] }

/** What is tested lies behind the cipher, which takes most of the time: one input of so many goes through it. */
const CIPHERED = 10
const NO_CIPHER: Seal = {
  seal: (bytes) => Buffer.concat([Buffer.alloc(OVERHEAD), bytes]),
  open: (sealed) => (sealed.length < OVERHEAD ? undefined : Buffer.from(sealed).subarray(OVERHEAD)),
}

/** Expects no error but that a key or another part of the configuration is not there. @returns True for a session. */
function opens(open: () => unknown): boolean {
  try {
    return open() !== undefined
  } catch (error) {
    assert.ok(error instanceof SessError && error.code === 'configuration', String(error))
    return false
  }
}

test(
  'a hostile envelope that is sealed with the right key is reported, or gives a session that works',
  { timeout: TIMEOUT_MS },
  () => {
    const sealing = aesGcmSeal(options)
    const aad = Buffer.from(`${KEY.tag}${KEY.id}\n1\nann`)
    const record = { revision: 1, expiresAt: NOW + 60_000, subject: 'ann' }
    const [cipher, none] = [sealing, NO_CIPHER].map((seal) => settingsOf({ store: memoryStore(), seal }))
    let [read, refused] = [0, 0]
    fuzz(
      11,
      (draw) => {
        const settings = draw.below(CIPHERED) ? none! : cipher!
        const sealed = settings.seal!.seal(hostileEnvelope(draw), aad)
        return { settings, payload: frame(draw.below(8) ? sealed : draw.changed(sealed), true, 'ann') }
      },
      ({ settings, payload }) => {
        if (opens(() => unpack(settings, KEY, { ...record, payload }))) read++
        else refused++
      },
    )
    expect(Math.min(read, refused)).toBeGreaterThan(5000)
  },
)

test(
  'a hostile cookie that is sealed with the right key is reported, or gives a session that works',
  { timeout: TIMEOUT_MS },
  () => {
    const cipher = new KeyRing(options)
    const none = { ids: cipher.ids, knows: () => true, ...NO_CIPHER } as unknown as KeyRing
    const settings = settingsOf({ store: memoryStore() })
    const payload = frame(encodeEnvelope(SOUND, Buffer.from('{"n":1}')), false, 'ann')
    const sound = Buffer.from(
      sealCookie(cipher, KEY, { revision: 1, expiresAt: NOW + 60_000, subject: 'ann', payload }),
      'base64url',
    )
    const head = sound.subarray(0, 8)
    const purpose = Buffer.concat([Buffer.from('sess/cookie\n'), head])
    // The key, the expiry, the length of the subject, the subject.
    const start = cipher.open(sound.subarray(8), purpose)!.subarray(0, 21 + 6 + 2 + 3)
    const make = (draw: Draw): { ring: KeyRing; value: string } => {
      const ring = draw.below(CIPHERED) ? none : cipher
      if (draw.below(8) === 0) return { ring, value: draw.changed(sound).toString(draw.of(['base64url', 'latin1'])) }
      const inside = Buffer.concat([
        draw.below(3) ? start : draw.changed(start),
        frame(hostileEnvelope(draw), draw.below(9) === 0, draw.below(9) ? 'ann' : undefined),
      ])
      const sealed = ring.seal(draw.below(9) ? inside : draw.changed(inside), purpose)
      return { ring, value: Buffer.concat([head, sealed]).toString('base64url') }
    }
    let [read, refused] = [0, 0]
    fuzz(12, make, ({ ring, value }) => {
      const opened = (): unknown => {
        const found = openCookie(ring, value, NOW)
        return 'key' in found ? unpack(settings, found.key, found.record) : undefined
      }
      if (opens(opened)) read++
      else refused++
    })
    expect(Math.min(read, refused)).toBeGreaterThan(5000)
  },
)

test('a cookie value longer than any browser keeps is not even decoded', () => {
  const ring = new KeyRing(options)
  expect(openCookie(ring, 'U'.repeat(4095), NOW)).toEqual({ rejected: 'malformed' })
})
