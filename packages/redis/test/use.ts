import { expect } from 'vitest'
import type { SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import { keyOf, recordOf } from './client.ts'

/** Calls each method of a store once, and sees that it answers what it must. @param tag - A subject's that nobody uses. */
export async function use(store: SessionStore, tag = 'used-by-test'): Promise<void> {
  const now = Date.now()
  const [one, two] = [
    { ...keyOf(), tag },
    { ...keyOf(), tag },
  ]
  const owner = { id: 'ann', tag }
  const record = recordOf({ subject: 'ann', expiresAt: now + 60_000 })
  const next = { ...record, revision: 2, payload: Buffer.from([0, 255, 13, 10]) }
  expect([await store.create(one, record, now), await store.create(two, record, now)]).toEqual([true, true])
  expect(await store.create(one, record, now)).toBe(false)
  expect(await store.replace(one, asExpected(record), next, now)).toBe('replaced')
  expect(await store.replace(one, asExpected(record), next, now)).toBe('conflict')
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('touched')
  const read = (await store.read(one, now))!
  expect([read.revision, read.expiresAt, Buffer.from(read.payload)]).toEqual([2, now + 90_000, next.payload])
  expect([await store.delete(two, now), await store.delete(two, now)]).toEqual([true, false])
  expect(await sum(store.count!(now))).toBeGreaterThan(0)
  const listed: string[] = []
  for await (const [{ id }] of store.list!(owner, now)) listed.push(id)
  expect(listed).toEqual([one.id])
  expect(await sum(store.deleteSubject!(owner, now))).toBe(1)
  expect(await store.read(one, now)).toBeUndefined()
  expect(await store.touch(one, asExpected(next), now + 90_000, now)).toBe('missing')
}
