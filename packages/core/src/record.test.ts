import { expect, test } from 'vitest'
import { DAMAGED_RECORD, decodeRecord, encodeRecord, expiryIn, RECORD_HEAD } from './record.ts'

const record = { revision: 3, expiresAt: 2000, subject: 'Ännchen', payload: new TextEncoder().encode('payload') }
const anonymous = { revision: 1, expiresAt: 2000, payload: record.payload }

test('a decoded record equals the encoded record', () => {
  for (const one of [
    record,
    anonymous,
    { ...record, payload: new Uint8Array() },
    { ...record, subject: 'ä'.repeat(512) },
    { ...record, revision: 2 ** 53 - 2, expiresAt: 8.64e15 },
    { ...anonymous, expiresAt: 0.5 },
  ])
    expect(decodeRecord(encodeRecord(one))).toEqual(one)
})

test('expiry and revision are at bytes 4 and 12, and the head alone gives the expiry', () => {
  const bytes = Buffer.from(encodeRecord(record))
  expect([bytes.readDoubleBE(4), bytes.readDoubleBE(12)]).toEqual([2000, 3])
  expect([expiryIn(bytes.subarray(0, RECORD_HEAD)), expiryIn(bytes.subarray(0, RECORD_HEAD - 1))]).toEqual([
    2000,
    undefined,
  ])
})

test('a touch changes only the first 12 bytes', () => {
  const [before, after] = [record, { ...record, expiresAt: 3000 }].map(encodeRecord)
  expect(decodeRecord(Buffer.concat([after!.subarray(0, 12), before!.subarray(12)]))).toEqual({
    ...record,
    expiresAt: 3000,
  })
  expect(after!.subarray(12)).toEqual(before!.subarray(12))
})

test('a head with any flipped bit is damaged', () => {
  const bytes = encodeRecord(record)
  for (let bit = 0; bit < 8 * (bytes.length - record.payload.length); bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(decodeRecord(changed)).toBe(DAMAGED_RECORD)
  }
})

test.each([
  ...[2 ** 53 - 1, 2 ** 53, 1e300, Infinity, Number.NaN, -1, 0, 0.5].map((revision) => ({ revision })),
  ...[Infinity, -Infinity, Number.NaN, -1, 8.64e15 + 2].map((expiresAt) => ({ expiresAt })),
  { subject: 'a'.repeat(1025) },
])('a head that core would never write is damaged, whatever its checksum says: %o', (wrong) => {
  expect(decodeRecord(encodeRecord({ ...record, ...wrong }))).toBe(DAMAGED_RECORD)
})

test('a truncated record is damaged, or has a shorter payload', () => {
  const bytes = encodeRecord(record)
  const head = bytes.length - record.payload.length
  expect(decodeRecord(new Uint8Array())).toBeUndefined()
  for (let length = 1; length < head; length++) expect(decodeRecord(bytes.subarray(0, length))).toBe(DAMAGED_RECORD)
  for (let length = head; length < bytes.length; length++)
    expect(decodeRecord(bytes.subarray(0, length))).toEqual({
      ...record,
      payload: record.payload.slice(0, length - head),
    })
})
