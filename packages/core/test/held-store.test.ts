import { describe, expect, test } from 'vitest'
import { asExpected, sum } from '../src/adapter.ts'
import type { SessionKey, SessionRecord } from '../src/store.ts'
import { heldStore, turn } from './held-store.ts'

const key: SessionKey = { tag: 'a'.repeat(12), id: 'b'.repeat(16) }
const other: SessionKey = { tag: 'a'.repeat(12), id: 'c'.repeat(16) }
const first: SessionRecord = { revision: 1, expiresAt: 1000, subject: 'u', payload: Uint8Array.of(1) }
const second: SessionRecord = { ...first, revision: 2, payload: Uint8Array.of(2) }
const subject = { id: 'u', tag: key.tag }

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('a held store that holds no call', () => {
  test('replaces a record only if it is the expected record', async () => {
    const store = heldStore()
    expect(await store.create(key, first, 0)).toBe(true)
    expect(await store.create(key, second, 0)).toBe(false)
    expect(await store.replace(key, asExpected(first), second, 0)).toBe('replaced')
    expect(await store.replace(key, asExpected(first), second, 0)).toBe('conflict')
    expect(await store.read(key, 0)).toEqual(second)
    expect(await store.delete(key, 0)).toBe(true)
    expect(await store.delete(key, 0)).toBe(false)
    expect(await store.replace(key, asExpected(first), second, 0)).toBe('missing')
  })

  test('treats an expired record as missing', async () => {
    const store = heldStore()
    await store.create(key, first, 0)
    expect(await store.read(key, 999)).toEqual(first)
    expect(await store.read(key, 1000)).toBeUndefined()
    expect(await store.touch(key, asExpected(first), 2000, 1000)).toBe('missing')
    expect(await store.delete(key, 1000)).toBe(false)
    await store.create(key, first, 0)
    expect(await sum(store.sweep(60_999))).toBe(0)
    expect(await sum(store.sweep(61_000))).toBe(1)
  })

  test('moves an expiry only forward', async () => {
    const store = heldStore()
    await store.create(key, first, 0)
    expect(await store.touch(key, asExpected(first), 500, 0)).toBe('touched')
    expect((await store.read(key, 0))?.expiresAt).toBe(1000)
    expect(await store.touch(key, asExpected(first), 2000, 0)).toBe('touched')
    expect(await store.touch(key, asExpected(second), 2000, 0)).toBe('conflict')
    expect(await store.read(key, 1500)).toEqual({ ...first, expiresAt: 2000 })
  })

  test('lists, counts and deletes by subject, except one', async () => {
    const store = heldStore()
    await store.create(key, first, 0)
    await store.create(other, second, 0)
    await store.create({ ...key, id: 'd'.repeat(16) }, { ...first, subject: 'v' }, 0)
    expect(await all(store.list(subject, 0))).toEqual([
      [key, first],
      [other, second],
    ])
    expect(await sum(store.count(0))).toBe(3)
    expect(await sum(store.deleteSubject(subject, 0, other))).toBe(1)
    expect(await all(store.list(subject, 0))).toEqual([[other, second]])
  })

  test('shares no bytes with its callers', async () => {
    const store = heldStore()
    const record = { ...first, payload: Uint8Array.of(1) }
    await store.create(key, record, 0)
    record.payload[0] = 9
    const read = await store.read(key, 0)
    expect(read).toEqual(first)
    read!.payload[0] = 9
    expect(await store.read(key, 0)).toEqual(first)
  })
})

describe('a held store that holds calls', () => {
  test('applies no call until the test releases it, in any order', async () => {
    const store = heldStore()
    await store.create(key, first, 0)
    store.hold()
    const replace = store.replace(key, asExpected(first), second, 0)
    const remove = store.delete(key, 0)
    const [a, b] = await store.pending(2)
    expect([a.step.method, b?.step.method]).toEqual(['replace', 'delete'])
    store.release(1)
    expect(await remove).toBe(true)
    store.release()
    expect(await replace).toBe('missing')
    expect(store.records.size).toBe(0)
    expect(store.calls.map((call) => [call.step.method, call.fate, call.answer])).toEqual([
      ['create', 'released', true],
      ['replace', 'released', 'missing'],
      ['delete', 'released', true],
    ])
  })

  test('holds some methods and lets the others through', async () => {
    const store = heldStore()
    store.hold('delete')
    await store.create(key, first, 0)
    const remove = store.delete(key, 0)
    expect(await store.read(key, 0)).toEqual(first)
    store.flow()
    expect(await remove).toBe(true)
    expect(await store.delete(key, 0)).toBe(false)
  })

  test('failBefore rejects the call without applying it', async () => {
    const store = heldStore()
    store.hold()
    const create = store.create(key, first, 0)
    await store.pending(1)
    store.failBefore()
    await expect(create).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(store.records.size).toBe(0)
  })

  test('failAfter applies the call and loses its answer', async () => {
    const store = heldStore()
    store.hold()
    const create = store.create(key, first, 0)
    await store.pending(1)
    const lost = store.failAfter()
    await expect(create).rejects.not.toHaveProperty('code')
    expect(lost).toMatchObject({ fate: 'failed after', answer: true })
    expect(store.records.size).toBe(1)
  })

  test('failLate rejects the call now and applies it later', async () => {
    const store = heldStore()
    store.hold()
    const create = store.create(key, first, 0)
    await store.pending(1)
    const late = store.failLate()
    await expect(create).rejects.not.toHaveProperty('code')
    expect(store.records.size).toBe(0)
    expect(store.land(late)).toMatchObject({ fate: 'landed', answer: true })
    expect(store.records.size).toBe(1)
    expect(() => store.land(late)).toThrow('landed, not late')
  })

  test('lists the waiting calls when an expected call does not come', async () => {
    const store = heldStore()
    store.hold()
    const read = store.client('B').read(key, 0)
    await expect(store.pending(2)).rejects.toThrow('waiting: #0 B read (waiting)')
    expect(() => store.release(1)).toThrow('no such call waits')
    store.flow()
    expect(await read).toBeUndefined()
  })

  test('reads the page of a list when the call is released', async () => {
    const store = heldStore()
    store.hold('list')
    const list = all(store.list(subject, 0))
    await turn()
    await store.create(key, first, 0)
    store.release()
    expect(await list).toEqual([[key, first]])
  })
})
