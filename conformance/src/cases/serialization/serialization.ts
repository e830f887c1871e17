import assert from 'node:assert/strict'
import { jsonSerializer, type Serializer } from '@sess/core'
import * as fc from 'fast-check'
import type { SerializerCase } from '../../contract.ts'

const rule =
  (layer: SerializerCase['layer']) =>
  (what: string, text: string, run: SerializerCase['run']): SerializerCase => ({
    id: `serialization/${what}`,
    clause: 'serialization',
    text,
    layer,
    subject: 'serializer',
    run,
  })
const example = rule('example')
const model = rule('model')

const deep = (levels: number): unknown => (levels === 0 ? 1 : { in: [deep(levels - 1)] })

const back = (it: Serializer, value: object): unknown => it.deserialize(it.serialize(value))

/** Expects that a value comes back unchanged, or is refused with a path. */
function backOrRefused(it: Serializer, value: object): boolean {
  let bytes: Uint8Array
  try {
    bytes = it.serialize(value)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'unserializable', String(error))
    return false
  }
  assert.deepEqual(it.deserialize(bytes), value)
  return true
}

/** Replaces each −0 in a random value by 0, because −0 may come back as either. The case `numbers` is on −0. */
function withPlainZeros<T>(value: T): T
function withPlainZeros(value: unknown): unknown {
  if (value === 0) return 0
  if (Array.isArray(value)) return value.map(withPlainZeros)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPlainZeros<unknown>(item)]))
}

function refused(it: Serializer, value: object, path: string): void {
  assert.throws(
    () => it.serialize(value),
    (error: { code?: string; message: string }) => error.code === 'unserializable' && error.message.includes(path),
    `${path} was not refused by its path`,
  )
}

/** Cases for a serializer by itself. */
export const serializerCases: readonly SerializerCase[] = [
  example('name', 'A serializer has a name of 1 to 32 characters, which each record keeps.', ({ name }) => {
    assert.ok(typeof name === 'string' && name.length >= 1 && name.length <= 32)
  }),
  example(
    'unicode',
    'Text of any characters comes back: NUL, lone surrogates, quotes, line separators, as values and as keys.',
    (it) => {
      const text = ['', 'é', 'e\u0301', '😀', '\0', 'a\0b', '\ud800', 'x\udfff', '\u2028', '"\\\'', '\ufeff', '\r\n']
      assert.deepEqual(back(it, { text }), { text })
      const keys = Object.fromEntries(text.filter((key) => key.isWellFormed()).map((key) => [key, key]))
      assert.deepEqual(back(it, keys), keys)
      backOrRefused(it, { '\ud800': 1 })
    },
  ),
  example('numbers', 'Numbers come back equal: to 2⁵³ and past it, tiny, huge, and −0 as a zero.', (it) => {
    const numbers = [
      0,
      -1,
      0.1,
      -1.5,
      1e21,
      1e308,
      5e-324,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
      2 ** 53,
      2 ** 53 + 2,
      -(2 ** 53),
    ]
    assert.deepEqual(back(it, { numbers }), { numbers })
    assert.ok((back(it, { zero: -0 }) as { zero: number }).zero === 0)
  }),
  example('shapes', 'Objects, arrays, booleans and null come back equal, empty ones and odd keys included.', (it) => {
    const value = {
      yes: true,
      no: false,
      nothing: null,
      list: [[], [[]], {}, [null]],
      '': 0,
      'a.b': 1,
      0: 2,
      length: 3,
    }
    for (const one of [{}, value]) assert.deepEqual(back(it, one), one)
    assert.deepEqual(Object.keys(back(it, { z: 1, a: 2, m: 3 }) as object), ['z', 'a', 'm'])
  }),
  example(
    'deep-and-wide',
    'A value nested thirty levels deep and a value with ten thousand items come back equal.',
    (it) => {
      for (const value of [
        { deep: deep(15) },
        { wide: Array.from({ length: 10_000 }, (_, i) => i) },
        Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key ${i}`, i])),
        { long: 'é😀'.repeat(30_000) },
      ])
        assert.deepEqual(back(it, value), value)
    },
  ),
  example(
    'own-bytes',
    'The bytes are the caller’s own: another call changes neither the bytes nor a value that was read from them.',
    (it) => {
      const bytes = it.serialize({ a: 'first' })
      const copy = Uint8Array.from(bytes)
      it.serialize({ b: 'a second, longer one' })
      assert.deepEqual(Uint8Array.from(bytes), copy)
      const value = it.deserialize(bytes)
      bytes.fill(0)
      assert.deepEqual(value, { a: 'first' })
    },
  ),
  example('views-of-bytes', 'Bytes that are a view into a larger buffer are read as themselves alone.', (it) => {
    const bytes = it.serialize({ a: [1, 'two'] })
    const whole = new Uint8Array(bytes.length + 20).fill(0x31)
    whole.set(bytes, 10)
    assert.deepEqual(it.deserialize(whole.subarray(10, 10 + bytes.length)), { a: [1, 'two'] })
  }),
  example(
    'inert-names',
    'Keys such as __proto__, constructor and prototype are data or refused, and pollute nothing.',
    (it) => {
      const value = JSON.parse(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1}',
      ) as object
      const inside = { list: [value] }
      for (const one of [value, inside])
        if (backOrRefused(it, one)) assert.equal(JSON.stringify(back(it, one)), JSON.stringify(one))
      assert.equal(Object.getPrototypeOf(back(it, { a: {} })), Object.prototype)
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    },
  ),
  example(
    'refuses',
    'Functions, symbols, class instances and cycles are refused, and the message names the path.',
    (it) => {
      class Money {
        amount = 1
      }
      const loop: { in?: unknown } = {}
      loop.in = loop
      refused(it, { f: () => 1 }, 'data.f')
      refused(it, { cart: [0, { symbol: Symbol('s') }] }, 'data.cart[1].symbol')
      refused(it, { money: new Money() }, 'data.money')
      refused(it, { loop }, 'data.loop')
      refused(it, { 'a key': [() => 1] }, 'data["a key"][0]')
    },
  ),
  example(
    'refuses-or-keeps',
    'A value that JSON would change or drop comes back equal, or is refused: it never comes back changed.',
    (it) => {
      const holes: unknown[] = [1]
      holes[2] = 3
      for (const value of [
        { a: undefined },
        { a: [undefined] },
        { a: Number.NaN },
        { a: Infinity },
        { a: 10n },
        { a: new Date(0) },
        { a: new Map([['k', 1]]) },
        { a: new Set([1]) },
        { a: new Uint8Array([1, 2]) },
        { a: holes },
        { a: Object.assign([1], { extra: 1 }) },
        { a: { [Symbol('s')]: 1 } },
        { a: { toJSON: () => 'another' } },
        { a: /x/ },
        { a: new Error('x') },
        { a: Object(1) as object },
      ])
        backOrRefused(it, value)
    },
  ),
  example('hostile', 'Bytes that it did not write give an error or plain data, never a crash.', (it) => {
    const valid = it.serialize({ a: [1, { b: 'two' }], c: null })
    for (let i = 0; i < valid.length; i++) {
      for (const bytes of [valid.slice(0, i), Uint8Array.from(valid, (byte, at) => (at === i ? byte ^ 0x55 : byte))]) {
        try {
          JSON.stringify(it.deserialize(bytes))
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  }),
  example('bombs', 'Bytes that nest a hundred thousand levels are refused with an error.', (it) => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['\x91', ''],
    ] as const) {
      assert.throws(() => it.deserialize(Buffer.from(open.repeat(100_000), 'latin1')))
      assert.throws(() => it.deserialize(Buffer.from(`${open.repeat(100_000)}1${close.repeat(100_000)}`, 'latin1')))
    }
  }),
  model('agrees-with-json', 'Whatever JSON brings back equal, this brings back the same.', (it, { seed, rounds }) =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary-ascii' }), fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' })),
        (value) => {
          const plain = withPlainZeros(structuredClone(value))
          assert.deepEqual(back(it, plain), back(jsonSerializer, plain))
        },
      ),
      { seed, numRuns: rounds(200) },
    ),
  ),
  model(
    'back-or-refused',
    'Whatever value it is given, it brings it back equal or refuses it.',
    (it, { seed, rounds }) =>
      fc.assert(
        fc.property(
          fc.dictionary(fc.string(), fc.anything({ withDate: true, withBigInt: true, maxDepth: 3 })),
          (value) => {
            backOrRefused(it, withPlainZeros({ ...value }))
          },
        ),
        { seed, numRuns: rounds(200) },
      ),
  ),
  model(
    'any-bytes',
    'Whatever bytes it is given, it answers with a value or an Error, and pollutes nothing.',
    (it, { seed, rounds }) =>
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
          try {
            it.deserialize(bytes)
          } catch (error) {
            assert.ok(error instanceof Error)
          }
          assert.equal(({} as { polluted?: unknown }).polluted, undefined)
        }),
        { seed, numRuns: rounds(500) },
      ),
  ),
]
