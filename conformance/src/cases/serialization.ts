import assert from 'node:assert/strict'
import type { SerializerCase } from '../contract.ts'

const rule = (what: string, text: string, run: SerializerCase['run']): SerializerCase => ({
  id: `serialization/${what}`,
  clause: 'serialization',
  text,
  layer: 'example',
  subject: 'serializer',
  run,
})

const deep = (levels: number): unknown => (levels === 0 ? 1 : { in: [deep(levels - 1)] })

/** Cases for a serializer by itself. */
export const serializerCases: readonly SerializerCase[] = [
  rule('equal', 'What JSON and JavaScript share comes back equal.', (it) => {
    for (const value of [
      {},
      {
        text: ['', 'é', '😀', '\0', '\ud800', '\u2028', '"\\'],
        number: [0, -1, 0.1, 1e308, 5e-324, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 2 ** 53 + 2],
      },
      { yes: true, no: false, nothing: null, list: [[], [[]], {}], deep: deep(10), '': 0, 'a.b': 1, '0': 2 },
      { wide: Array.from({ length: 10_000 }, (_, i) => i) },
    ])
      assert.deepEqual(it.deserialize(it.serialize(value)), value)
  }),
  rule('inert-names', 'Keys such as __proto__, constructor and prototype are data, and pollute nothing.', (it) => {
    const value = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1}',
    ) as object
    let back: unknown
    try {
      back = it.deserialize(it.serialize(value))
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'unserializable')
      return
    }
    assert.equal(Object.getPrototypeOf(back), Object.prototype)
    assert.equal(JSON.stringify(back), JSON.stringify(value))
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  }),
  rule('refuses', 'What cannot come back equal is refused, and the message names its path.', (it) => {
    class Money {
      amount = 1
    }
    const loop: { in?: unknown } = {}
    loop.in = loop
    for (const [path, value] of [
      ['data.f', { f: () => 1 }],
      ['data.cart[1].symbol', { cart: [0, { symbol: Symbol('s') }] }],
      ['data.money', { money: new Money() }],
      ['data.loop', { loop }],
    ] as const)
      assert.throws(
        () => it.serialize(value),
        (error: { code?: string; message: string }) => error.code === 'unserializable' && error.message.includes(path),
        path,
      )
  }),
  rule('hostile', 'Bytes that it did not write give an error or plain data, never a crash.', (it) => {
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
    assert.throws(() => it.deserialize(Buffer.from('['.repeat(100_000))))
    assert.throws(() => it.deserialize(Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))))
  }),
]
