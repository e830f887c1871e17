import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { Packr } from 'msgpackr/pack'
import { expect, test } from 'vitest'
import { jsonSerializer } from '@sess/core'
import { msgpackSerializer } from './index.ts'

const it = msgpackSerializer()

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.double({ noNaN: true }).map((n) => n + 0),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
)
const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toJSON', '0'))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('array'), tie('object'), tie('map'), tie('set')),
  array: fc.array(tie('value')),
  object: fc.array(fc.tuple(name, tie('value'))).map((entries) => Object.fromEntries(entries)),
  map: fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
  set: fc.array(tie('value')).map((items) => new Set(items)),
}))
const data = fc.array(fc.tuple(name, value)).map((entries): object => Object.fromEntries(entries) as object)

/** Throws unless a value is made of plain things alone. */
function assertPlain(found: unknown): void {
  if (typeof found !== 'object' || found === null) return assert.doesNotMatch(typeof found, /function|symbol|undefined/)
  const prototype: unknown = Object.getPrototypeOf(found)
  assert.ok([Object, Array, Map, Set, Date, Uint8Array].some((type) => type.prototype === prototype))
  if (found instanceof Map) for (const entry of found) entry.forEach(assertPlain)
  else if (found instanceof Set) for (const item of found) assertPlain(item)
  else if (!(found instanceof Uint8Array)) Object.values(found).forEach(assertPlain)
}

/** Reads bytes: an error, or plain data that can be written again and comes back equal. */
function read(bytes: Uint8Array): unknown {
  let found: unknown
  try {
    found = it.deserialize(bytes)
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof RangeError))
    return undefined
  }
  assertPlain(found)
  if (typeof found === 'object' && found !== null) assert.deepEqual(it.deserialize(it.serialize(found)), found)
  return found
}

test('whatever is serialized comes back equal', () => {
  fc.assert(
    fc.property(data, (written) => {
      assert.deepEqual(it.deserialize(it.serialize(written)), written)
    }),
    { numRuns: 400 },
  )
})

test('data that JSON can carry comes back as from the JSON serializer', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (written) => {
      assert.deepEqual(
        it.deserialize(it.serialize(written)),
        jsonSerializer.deserialize(jsonSerializer.serialize(written)),
      )
    }),
  )
})

test('arbitrary bytes give an error or plain data', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void read(bytes)),
    { numRuns: 5000 },
  )
})

test('damaged records give an error or plain data', () => {
  fc.assert(
    fc.property(data, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (written, at, byte, cut) => {
      const bytes = it.serialize(written)
      bytes[at % bytes.length] = byte
      read(bytes)
      read(bytes.slice(0, cut % bytes.length))
    }),
    { numRuns: 400 },
  )
})

const bytes = (...parts: (number[] | string)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
const repeat = (part: number[], times: number, ...end: number[]): Uint8Array =>
  new Uint8Array(Buffer.concat([...Array<Buffer>(times).fill(Buffer.from(part)), Buffer.from(end)]))

test.each<[string, Uint8Array]>([
  ['nothing', bytes()],
  ['an array of 4 thousand million', bytes([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['a map of as many', bytes([0xdf, 0xff, 0xff, 0xff, 0xff])],
  ['text of as much', bytes([0xdb, 0xff, 0xff, 0xff, 0xff, 0x61])],
  ['bytes of as much', bytes([0xc6, 0xff, 0xff, 0xff, 0xff, 0x61])],
  ['long arrays in long arrays', repeat([0xdc, 0xff, 0xff], 60)],
  ['arrays in arrays', repeat([0x91], 1_000_000, 0xc0)],
  ['maps in maps', repeat([0x81, 0xa1, 0x61], 1_000_000, 0xc0)],
  ['tags in tags', repeat([0x81, 0x00], 1_000_000, 0xc0)],
  ['sets in sets', repeat([0x81, 0x03, 0x91], 1_000_000, 0xc0)],
  ['a million small arrays', bytes([0xdd, 0, 0x0f, 0x42, 0x40], Array<number>(1_000_000).fill(0x90))],
  ['a record definition', bytes([0xd4, 0x72, 0x40, 0x91, 0xa1], 'a', [0x01])],
  ['a regular expression', bytes([0xd4, 0x78, 0x00, 0x92, 0xa1], 'x', [0xa0])],
  ['an error', bytes([0xd4, 0x65, 0x00, 0x93, 0xa5], 'Error', [0xa1], 'x', [0xc0])],
  ['a typed array', bytes([0xc7, 0x05, 0x74, 0x05, 1, 2, 3, 4])],
  ['a reference', bytes([0xd6, 0x70, 0, 0, 0, 1])],
  ['a timestamp', bytes([0xd6, 0xff, 0, 0, 0, 1])],
  ['undefined', bytes([0xd4, 0, 0])],
  ['the type that is never used', bytes([0xc1])],
  ['a date that is none', bytes([0x81, 0x00, 0xa1], 'x')],
  ['a date out of range', bytes([0x81, 0x00, 0xcb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ['a bigint that is none', bytes([0x81, 0x01, 0xa2], '0x')],
  ['half an entry', bytes([0x81, 0x02, 0x91, 0x01])],
  ['an unknown tag', bytes([0x81, 0x05, 0xc0])],
  ['a tag among others', bytes([0x82, 0x00, 0x01, 0xa1], 'a', [0x01])],
  ['a key that is no text', bytes([0x82, 0xc0, 0x01, 0xc0, 0x01])],
  ['NaN', bytes([0x91, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0])],
  // A reader that takes more bytes for a letter than the text has would go on at another place than this one.
  ['text that ends within a letter', bytes([0x92, 0xa1, 0xe2, 0x01])],
  ['overlong letters', bytes([0x91, 0xa2, 0xc0, 0x80])],
  ['two values', bytes([0xc0, 0xc0])],
])('refuses %s, and makes nothing of it', (_, hostile) => {
  const before = process.memoryUsage()
  expect(read(hostile)).toBeUndefined()
  const { arrayBuffers, heapTotal } = process.memoryUsage()
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20)
  expect(heapTotal - before.heapTotal).toBeLessThan(256 * 2 ** 20)
})

test('the extension types that msgpackr itself would write are refused', () => {
  const rich = new Packr({ structuredClone: true, moreTypes: true })
  for (const thing of [{ a: { b: 1 } }, new Set([1]), /x/, new Error('x'), new Float64Array(2), new Date(0), 2n ** 70n])
    expect(read(new Uint8Array(rich.pack(thing)))).toBeUndefined()
})

test('__proto__ is a key like any other, and pollutes nothing', () => {
  const forged = bytes([0x81, 0xa9], '__proto__', [0x81, 0xa8], 'polluted', [0x01])
  expect(Object.keys(read(forged) as object)).toEqual(['__proto__'])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})
