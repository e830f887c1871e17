import { execFileSync } from 'node:child_process'
import { createSessions, jsonSerializer, memoryStore, type SessionStore } from '@sess/core'
import { serializerConformance } from '@sess/conformance/vitest'
import { expect, expectTypeOf, test } from 'vitest'
import { msgpackSerializer } from './index.ts'

const it = msgpackSerializer()
const back = (value: object): unknown => it.deserialize(it.serialize(value))

serializerConformance(it)

test('carries dates, bigints, bytes, maps and sets, nested in each other, and brings them back equal', () => {
  const values = {
    date: [new Date(0), new Date(-1), new Date(8.64e15), new Date('2026-11-25T10:00:00.123Z')],
    bigint: [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n, -(2n ** 64n), 2n ** 4096n],
    bytes: [new Uint8Array(), new Uint8Array([0, 255]), new Uint8Array(70_000).fill(7)],
    map: new Map<unknown, unknown>([
      ['a', 1],
      [1, new Map([[new Date(5), new Set(['x', 1n])]])],
      [{ as: 'key' }, null],
    ]),
    set: new Set([1, '1', 1n, [1]]),
    infinite: [Infinity, -Infinity],
    exact: [2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 2 ** 31, 2 ** 32, -(2 ** 31) - 1, 0.1, 5e-324],
    surrogates: ['\ud800', 'a\udfff'.repeat(50), '😀'],
  }
  expect(back(values)).toStrictEqual(values)
})

test('−0 comes back as 0, which === cannot tell apart, as in JSON', () => {
  const { n } = back({ n: -0 }) as { n: number }
  expect(Object.is(n, 0)).toBe(true)
})

test('bytes come back as a copy', () => {
  const record = it.serialize({ bytes: new Uint8Array([1, 2, 3]) })
  const { bytes } = it.deserialize(record) as { bytes: Uint8Array }
  expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
  record.fill(0)
  expect(bytes).toEqual(new Uint8Array([1, 2, 3]))
  expect(record.buffer.byteLength).toBe(record.byteLength)
})

test.each<[string, object]>([
  ['data.cart[0].qty', { cart: [{ qty: undefined }] }],
  ['data.nan', { nan: Number.NaN }],
  ['data.date', { date: new Date(Number.NaN) }],
  ['data.date', { date: Object.assign(new Date(0), { zone: 'UTC' }) }],
  ['data.f', { f: () => 1 }],
  ['data["a b"]', { 'a b': Symbol('s') }],
  ['data.holes', { holes: [1, , 3] }], // oxlint-disable-line no-sparse-arrays
  ['data.extra', { extra: Object.assign([1], { more: 1 }) }],
  ['data.buffer', { buffer: Buffer.from('x') }],
  ['data.words', { words: new Uint16Array(1) }],
  ['data.url', { url: new URL('https://example.com') }],
  ['data.error', { error: new Error('x') }],
  ['data.regexp', { regexp: /x/ }],
  [
    'data.map.values()[1]',
    {
      map: new Map([
        ['a', 1],
        ['b', Number.NaN],
      ]),
    },
  ],
  ['data.map.keys()[0]', { map: new Map([[undefined, 1]]) }],
  ['data.set.values()[0].f', { set: new Set([{ f: () => 1 }]) }],
  ['data["\\ud800"]', { '\ud800': 1 }],
  ['data.symbol', { symbol: { [Symbol('s')]: 1 } }],
])('refuses %s', (path, value) => {
  expect(() => it.serialize(value)).toThrow(
    expect.objectContaining({ code: 'unserializable', message: expect.stringContaining(`${path} `) }),
  )
})

test('refuses data deeper or larger than its limits, also if cycles or shared references make it so', () => {
  const nested = (levels: number): object => (levels === 1 ? {} : { in: nested(levels - 1) })
  expect(back(nested(64))).toEqual(nested(64))
  let web: unknown[] = []
  for (let i = 0; i < 40; i++) web = [web, web]
  const small = msgpackSerializer({ maxDepth: 3, maxValues: 10 })
  expect(small.deserialize(small.serialize({ a: new Map([[new Set(), 1]]) }))).toEqual({ a: new Map([[new Set(), 1]]) })
  for (const [serializer, value] of [
    [it, nested(65)],
    [it, { web }],
    [small, nested(4)],
    [small, { a: [new Set([[]])] }],
    [small, { list: Array(9).fill(0) }],
  ] as const)
    expect(() => serializer.serialize(value)).toThrow(expect.objectContaining({ code: 'unserializable' }))
})

test('agrees with the JSON serializer on data that both carry', () => {
  const values: object[] = [
    { a: [null, true, 'é', { b: -1.5 }], __proto__: null },
    JSON.parse('{"__proto__":{"x":1},"constructor":1,"toJSON":2,"hasOwnProperty":3,"":4,"0":5}') as object,
  ]
  for (const value of values) {
    const [ours, theirs] = [back(value), jsonSerializer.deserialize(jsonSerializer.serialize(value))]
    expect(ours).toStrictEqual(theirs)
    expect(JSON.stringify(ours)).toBe(JSON.stringify(value))
  }
})

test.each([{ maxDepth: 0 }, { maxDepth: 513 }, { maxValues: 1.5 }, { useRecords: true } as object])(
  'refuses the options %j',
  (options) => {
    expect(() => msgpackSerializer(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  },
)

test('compiles no code at run time', () => {
  const program = `
    import { msgpackSerializer } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    const it = msgpackSerializer()
    for (let i = 0; i < 1000; i++) it.deserialize(it.serialize({ a: { b: [i, { c: new Map([[i, { d: 1n }]]) }] } }))
    try { new Function('') } catch { console.log('forbidden, and done without') }`
  const output = execFileSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  )
  expect(output).toBe('forbidden, and done without\n')
})

test('sessions switch from JSON to MessagePack with nobody logged out', async () => {
  const store = memoryStore()
  const before = await createSessions<{ n: number }>({ store }).load(undefined)
  before.data.n = 1
  const { cookieValue } = await before.commit()
  const sessions = createSessions<{ n: number; seen?: Date }>({ store, serializer: it })
  const session = await sessions.load(cookieValue)
  session.data.seen = new Date(5)
  await session.commit()
  expect((await sessions.load(cookieValue)).data).toEqual({ n: 1, seen: new Date(5) })
  await expect(createSessions({ store }).load(cookieValue)).rejects.toMatchObject({ code: 'configuration' })
})

test('data that it cannot carry is a compile error', () => {
  const store = {} as SessionStore
  interface Line {
    qty: number
  }
  const cases = [
    () => createSessions<{ at: Date; n: bigint; b: Uint8Array }>({ store, serializer: it }),
    () =>
      createSessions<{ m?: Map<string, Line[]>; s: Set<Date>; d: Map<string, Map<Date, bigint>> }>({
        store,
        serializer: it,
      }),
    // @ts-expect-error a function
    () => createSessions<{ f: () => void }>({ store, serializer: it }),
    // @ts-expect-error nor inside a map
    () => createSessions<{ f: Map<string, () => void> }>({ store, serializer: it }),
    // @ts-expect-error a class
    () => createSessions<{ url: URL }>({ store, serializer: it }),
    // @ts-expect-error floats
    () => createSessions<{ f: Float64Array }>({ store, serializer: it }),
  ]
  expectTypeOf(cases).not.toBeAny()
})
