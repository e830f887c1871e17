import { asExpected, sum, type SessionStore } from '@sess/core/adapter'
import { expect } from 'vitest'
import { newRecord, twoKeys } from './fixture.ts'

/** Calls each method of a store, and sees that it answers what it must. */
export async function use(store: SessionStore): Promise<void> {
  const now = Date.now()
  const [one, two] = twoKeys()
  const ann = { id: 'ann', tag: one.tag }
  const record = newRecord(now, { subject: 'ann' })
  const next = { ...record, revision: 2, payload: new Uint8Array([0, 255, 13, 10]) }
  expect([await store.create(one, record, now), await store.create(two, record, now)]).toEqual([true, true])
  expect(await store.create(one, record, now)).toBe(false)
  expect(await store.replace(one, asExpected(record), next, now)).toBe('replaced')
  expect(await store.replace(one, asExpected(record), next, now)).toBe('conflict')
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('touched')
  expect(await store.read(one, now)).toEqual({ ...next, expiresAt: now + 90_000 })
  expect([await store.delete(two, now), await store.delete(two, now)]).toEqual([true, false])
  await sum(store.deleteSubject!(ann, now))
  expect(await store.read(one, now)).toBeUndefined()
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('missing')
}
