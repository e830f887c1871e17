/* oxlint-disable typescript/no-explicit-any -- applications have it in their data */
import { expectTypeOf, test } from 'vitest'
import { createSessions, type Leaves, type SessionStore } from './index.ts'

declare const store: SessionStore

interface Address {
  street?: string
  zip: string | undefined
}
interface User {
  id: string
  name?: string
  roles: ('admin' | 'user')[]
  address?: Address
}
interface Tree {
  value: number
  children: Tree[]
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type Brand = string & { readonly __brand: 'UserId' }
interface Profile {
  provider: string
  emails?: { value: string; type?: string }[]
  _json: any
}

test('data of these shapes compiles: JSON can carry each of them', () => {
  const cases = [
    () => createSessions<{ user?: User }>({ store }),
    () => createSessions<{ tree?: Tree }>({ store }),
    () => createSessions<{ json: Json }>({ store }),
    () => createSessions<{ id: Brand }>({ store }),
    () => createSessions<{ map: Record<string, number>; tuple: [string, number] }>({ store }),
    () => createSessions<{ a: any }>({ store }),
    () => createSessions<{ a: { b: any } }>({ store }),
    () => createSessions<Record<string, any>>({ store }),
    () => createSessions<{ a: Record<string, any>; b: any[] }>({ store }),
    () => createSessions<{ a: unknown; b: object; c: {} }>({ store }),
    () => createSessions<{ a?: undefined; b: undefined; c: never[]; d?: never }>({ store }),
    () => createSessions<{ profile?: Profile }>({ store }),
    () => createSessions<{ step: { kind: 'a'; x?: never } | { kind: 'b'; x: string } }>({ store }),
    () => createSessions<{ step: { ok: true; error?: undefined } | { ok: false; error: string } }>({ store }),
    () => createSessions<{ f: { a?: never } }>({ store }),
  ]
  void cases
})

test('the types any, never and undefined do not hide an uncarriable type beside them', () => {
  expectTypeOf<Leaves<{ a: any; b: { c?: never; at: Date } }>>().toEqualTypeOf<Date>()
  expectTypeOf<Leaves<{ a: undefined; b: bigint | undefined }>>().toEqualTypeOf<bigint>()
})
