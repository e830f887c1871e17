import { asExpected, sum, type SessionStore } from '@sess/core/adapter'
import { expect } from 'vitest'
import { keyOf, now, record } from './record.ts'

/** Calls each method of a store, and checks the answers. */
export async function use(store: SessionStore): Promise<void> {
  const one = keyOf()
  const two = keyOf(one.tag)
  const ann = { id: 'ann', tag: one.tag }
  const next = { ...record, revision: 2 ** 53 - 2, payload: new Uint8Array([0, 255, 13, 10, 92, 39, 200]) }
  expect([await store.create(one, record, now), await store.create(two, record, now)]).toEqual([true, true])
  expect(await store.create(one, record, now)).toBe(false)
  expect(await store.replace(one, asExpected(record), next, now)).toBe('replaced')
  expect(await store.replace(one, asExpected(record), next, now)).toBe('conflict')
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('touched')
  const read = { ...next, expiresAt: now + 90_000 }
  expect(await store.read(one, now)).toEqual(read)
  expect([await store.delete(two, now), await store.delete(two, now)]).toEqual([true, false])
  expect(await store.replace(two, asExpected(record), next, now)).toBe('missing')
  const listed: unknown[] = []
  for await (const entry of store.list!(ann, now)) listed.push(entry)
  expect(listed).toEqual([[one, read]])
  expect(await sum(store.count!(now))).toBeGreaterThan(0)
  await sum(store.sweep!(now))
  expect(await sum(store.deleteSubject!(ann, now))).toBe(1)
  expect(await store.read(one, now)).toBeUndefined()
}
