import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeRecord, encodeRecord, RECORD_HEAD } from './record.ts'

const record = { revision: 3, expiresAt: 2000, subject: 'Ännchen', payload: new TextEncoder().encode('payload') }
const anonymous = { revision: 1, expiresAt: 2000, payload: record.payload }

test('a record comes back as it was', () => {
  for (const one of [
    record,
    anonymous,
    { ...record, payload: new Uint8Array() },
    { ...record, subject: 'ä'.repeat(512) },
    { ...record, revision: 2 ** 53 - 1, expiresAt: Infinity },
    { ...anonymous, expiresAt: 0.5 },
  ])
    expect(decodeRecord(encodeRecord(one))).toEqual(one)
})

test('expiry and revision stand at 0 and 8, and the head holds both', () => {
  const bytes = Buffer.from(encodeRecord(record))
  expect([bytes.readDoubleBE(0), bytes.readDoubleBE(8)]).toEqual([2000, 3])
  expect(decodeRecord(bytes.subarray(0, RECORD_HEAD))).toMatchObject({ revision: 3, expiresAt: 2000 })
})

test('a record that is cut has less of a payload, and no other subject but part of its own', () => {
  const bytes = encodeRecord(record)
  for (let length = 0; length < bytes.length; length++) {
    const cut = decodeRecord(bytes.subarray(0, length))
    expect(cut === undefined).toBe(length < RECORD_HEAD)
    if (!cut) continue
    expect(cut.payload.length).toBeLessThan(record.payload.length)
    if (cut.subject !== record.subject) expect(cut.payload.length).toBe(0)
  }
})

test('any bytes are a record or none', () => {
  for (let i = 0; i < 2000; i++) expect(decodeRecord(randomBytes(i % 60)) === undefined).toBe(i % 60 < RECORD_HEAD)
})
