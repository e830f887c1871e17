import { expectTypeOf, test } from 'vitest'
import { createSessions, type Leaves, type Serializer, type SessionStore } from './index.ts'

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
