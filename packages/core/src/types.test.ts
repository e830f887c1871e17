import { expect, expectTypeOf, test } from 'vitest'
import { asExpected, defineStore } from './adapter.ts'
import {
  createSessions,
  memoryStore,
  type Leaves,
  type Serializer,
  type Session,
  type SessionKey,
  type SessionOf,
  type SessionRecord,
  type Sessions,
  type SessionStore,
} from './index.ts'

declare const store: SessionStore
declare const dates: Serializer<Date | bigint>

test('data is Partial of the type argument, and only what the serializer carries', () => {
  interface Tree {
    value?: string
    children: Tree[]
  }
  const cases = [
    () => {
      expectTypeOf(createSessions<{ theme: string; cart: string[] }>({ store }).load).returns.resolves.toHaveProperty(
        'data',
      )
    },
    () => createSessions<Tree>({ store }),
    () => createSessions<{ any: unknown; tuple: [1, 'a'] | null }>({ store }),
    () => createSessions<{ when: Date }>({ store, serializer: dates }),
    // @ts-expect-error a Date does not survive JSON
    () => createSessions<{ when: Date }>({ store }),
    // @ts-expect-error nor deep inside
    () => createSessions<{ list: { when?: Date }[] }>({ store }),
    // @ts-expect-error nor a Map, not even with a serializer for dates
    () => createSessions<{ map: Map<string, string> }>({ store, serializer: dates }),
    // @ts-expect-error nor a function
    () => createSessions<{ f: () => void }>({ store }),
    // @ts-expect-error nor a bigint
    () => createSessions<{ n: bigint }>({ store }),
  ]
  void cases
  expectTypeOf<Leaves<{ a: string; b: (Date | number)[]; c: { d: bigint } }>>().toEqualTypeOf<Date | bigint>()
})

declare const key: SessionKey
declare const record: SessionRecord

test('swapping the expected and the new record does not compile', () => {
  const cases = [
    async () => {
      const read = (await store.read(key, 0))!
      await store.replace(key, read, record, 0)
      await store.replace(key, read, { ...read, revision: 2 }, 0)
      await store.replace(key, asExpected(record), record, 0)
      await store.touch(key, read, 5, 0)
      // @ts-expect-error swapped
      await store.replace(key, record, read, 0)
      // @ts-expect-error a record that was made is not known to be stored
      await store.replace(key, record, record, 0)
      // @ts-expect-error nor is a copy of one that was read
      await store.replace(key, { ...read, revision: 2 }, record, 0)
      // @ts-expect-error what was read is not what comes
      await store.replace(key, read, read, 0)
      // @ts-expect-error nor is it new
      await store.create(key, read, 0)
      // @ts-expect-error swapped
      await store.touch(key, 5, read, 0)
    },
    () =>
      defineStore({
        name: 'swapped',
        traits: { maxPayloadBytes: 1 },
        read: async () => record,
        create: async () => true,
        // @ts-expect-error an implementation cannot swap them either
        replace: async (_: SessionKey, next: SessionRecord, expected: SessionRecord) =>
          next.revision === expected.revision ? 'replaced' : 'conflict',
        // @ts-expect-error
        touch: async (_: SessionKey, expiresAt: number) => (expiresAt ? 'touched' : 'missing'),
        delete: async () => true,
      }),
  ]
  void cases
})

test('SessionOf names the type of a session, and flashed the type of its messages', async () => {
  const sessions = createSessions<{ theme: string }>({ store: memoryStore(), log: false })
  expectTypeOf<SessionOf<typeof sessions>>().toEqualTypeOf<Session<{ theme?: string }>>()
  const session: SessionOf<typeof sessions> = await sessions.load(undefined)
  session.flash('notice', 'Saved')
  expectTypeOf(session.flashed<string>('notice')).toEqualTypeOf<string[]>()
  expectTypeOf(session.flashed('notice')).toEqualTypeOf<unknown[]>()
  expectTypeOf<SessionOf<Sessions>>().toEqualTypeOf<Session>()
})

test('once listens to the next event only', async () => {
  const sessions = createSessions({ store: memoryStore(), log: false })
  const heard: string[] = []
  sessions.once('rejected', ({ reason }) => heard.push(reason))
  const stop = sessions.once('rejected', () => heard.push('stopped'))
  stop()
  for (const value of ['nonsense', 'more']) await sessions.load(value)
  expect(heard).toEqual(['malformed'])
})
