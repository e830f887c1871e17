import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeEpochs, encodeEpochs, epochOf, NO_EPOCHS, withEpoch } from './epochs.ts'
import { decode, encode } from './record.ts'
import { isLive } from './records.ts'

const epoch = randomBytes(16)
const record = {
  revision: 3,
  expiresAt: 2000,
  subject: 'annabel',
  payload: new TextEncoder().encode('payload'),
  epochs: [epoch],
}
const epochs = withEpoch(withEpoch(NO_EPOCHS, 'annabel', epoch, 5000), 'ann', randomBytes(16), 4000)

describe('a record', () => {
  test('is decoded as it was encoded', () => {
    for (const parts of [
      {},
      { epochs: [epoch, randomBytes(16)] },
      { payload: new Uint8Array() },
      { revision: 2 ** 52 },
    ])
      expect(decode(encode({ ...record, ...parts }))).toEqual({ ...record, ...parts })
    const { subject: _, ...anonymous } = { ...record, epochs: [] }
    expect(decode(encode(anonymous))).toEqual(anonymous)
  })

  test('that is truncated never belongs to another subject or another session', () => {
    const bytes = encode(record)
    for (let length = 0; length < bytes.length; length++) {
      const cut = decode(bytes.subarray(0, length))
      if (!isLive(cut, epochs, 1000)) continue
      expect(cut.payload.length).toBeLessThan(record.payload.length)
      // Without its epochs it has not even a subject left to be signed in as.
      expect([undefined, 'annabel']).toContain(cut.subject)
      if (cut.subject === undefined) expect(cut.payload.length).toBe(0)
    }
  })

  test('of random bytes causes no error', () => {
    for (let i = 0; i < 2000; i++) {
      const found = decode(randomBytes(i % 150))
      expect(isLive(found, epochs, 1000) && found.subject !== undefined).toBe(false)
    }
  })

  test('without an expiry has expired', () => {
    expect(isLive({ ...record, expiresAt: Number.NaN }, epochs, 1000)).toBe(false)
    expect([isLive(record, epochs, 1999), isLive(record, epochs, 2000)]).toEqual([true, false])
  })
})

describe('a table of epochs', () => {
  test('is decoded as it was encoded, with the latest expiry of its epochs', () => {
    const back = decodeEpochs(encodeEpochs(epochs))
    expect([back.until, epochOf(back, 'annabel'), epochOf(back, 'anna')]).toEqual([5000, epoch, undefined])
    expect(back).toEqual(epochs)
  })

  test('that is truncated ends sessions, and lets no revoked session live', () => {
    const bytes = encodeEpochs(withEpoch(NO_EPOCHS, 'annabel', epoch, 5000))
    for (let length = 0; length < bytes.length; length++)
      expect(isLive(record, decodeEpochs(bytes.subarray(0, length)), 1000)).toBe(false)
    expect(isLive(record, decodeEpochs(bytes), 1000)).toBe(true)
  })
})
