import { createContext, runInContext } from 'node:vm'
import { parse } from 'node:querystring'
import { expect, test } from 'vitest'
import { createSessions, memoryStore, type Serializer } from './index.ts'

// As what `fetch` and `structuredClone` give in Jest and in vitest's vmThreads: made by the classes of another realm.
const realm = createContext({})
const make = (code: string): unknown => runInContext(`(${code})`, realm)

/** Carries whatever it is given, in this process. */
const kept: object[] = []
const anything: Serializer<Date | Map<unknown, unknown> | Set<unknown> | Uint8Array> = {
  name: 'anything',
  serialize: (value) => Buffer.from(String(kept.push(value) - 1)),
  deserialize: (bytes) => structuredClone(kept[Number(Buffer.from(bytes).toString())]),
}

test.each([
  ['an object', make('{ a: [{ b: 1 }] }'), { a: [{ b: 1 }] }],
  ['an array', make('[1, { a: [2] }]'), [1, { a: [2] }]],
  ['a query', parse('b=1'), { b: '1' }],
  [
    'an object of a prototype that holds nothing',
    Object.assign(Object.create(Object.create(null) as object) as object, { b: 1 }),
    { b: 1 },
  ],
])('%s of another realm is plain data, and no change once it is stored', async (_, value, stored) => {
  const sessions = createSessions({ store: memoryStore() })
  const session = await sessions.load(undefined)
  session.data['value'] = value
  session.flash('value', value)
  const { cookieValue } = await session.commit()
  expect(await session.commit()).toMatchObject({ status: 'unchanged' })
  const read = await sessions.load(cookieValue)
  expect([read.data['value'], ...read.flashed('value')]).toStrictEqual([stored, stored])
  read.data['value'] = value
  await read.commit()
  expect(await read.commit()).toMatchObject({ status: 'unchanged' })
})

test('data accepts an object of another realm', async () => {
  const session = await createSessions({ store: memoryStore() }).load(undefined)
  session.data = make('{ b: 1 }') as Record<string, unknown>
  expect(session.data).toStrictEqual({ b: 1 })
})

test.each([
  ['a Date', make('new Date(5)'), new Date(5)],
  ['a Map', make("new Map([['a', { b: 1 }]])"), new Map([['a', { b: 1 }]])],
  ['a Set', make('new Set([1, [2]])'), new Set([1, [2]])],
  ['bytes', make('new Uint8Array([1, 2])'), new Uint8Array([1, 2])],
])('%s of another realm reaches the serializer as this realm has it', async (_, value, expected) => {
  const sessions = createSessions<{ value: unknown }>({ store: memoryStore(), serializer: anything as Serializer })
  const session = await sessions.load(undefined)
  session.data = { value }
  const { cookieValue } = await session.commit()
  expect(kept.at(-1)).toStrictEqual({ value: expected })
  expect(await session.commit()).toMatchObject({ status: 'unchanged' })
  expect((await sessions.load(cookieValue)).data).toStrictEqual({ value: expected })
})

test.each([
  ['a class', make('new (class Cart { n = 1 })()')],
  ['a class named Object', make('new (class Object { n = 1 })()')],
  ['a Date with a field', Object.assign(new Date(0), { zone: 'UTC' })],
  ['a Date of a class', new (class Moment extends Date {})(0)],
  ['what inherits fields', Object.create(Object.assign(Object.create(null) as object, { a: 1 }))],
])('an instance of %s is refused, and not made plain', async (_, value) => {
  const session = await createSessions({ store: memoryStore() }).load(undefined)
  session.data['value'] = value
  await expect(session.commit()).rejects.toMatchObject({
    code: 'unserializable',
    message: expect.stringMatching('data.value'),
  })
})
