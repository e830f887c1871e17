import { describe, expect, test } from 'vitest'
import { asExpected, GRACE_MS, sum } from './adapter.ts'
import { ExpiryHeap } from './expiry-heap.ts'
import { memoryStore } from './index.ts'

const key = (i: number): { tag: string; id: string } => ({ tag: 'a'.repeat(12), id: String(i).padStart(16, '0') })
const record = (expiresAt: number) => ({ revision: 1, expiresAt, payload: new Uint8Array([1]) })

describe('the memory store', () => {
  test('rejects a new record when it is full, and drops no live record for it', async () => {
    const store = memoryStore({ maxRecords: 2 })
    await store.create(key(1), record(10), 0)
    await store.create(key(2), record(20), 0)
    await expect(store.create(key(3), record(30), 0)).rejects.toMatchObject({ code: 'store_full' })
    expect(await sum(store.count!(0))).toBe(2)
    expect(await store.create(key(3), record(30), 10)).toBe(true)
    expect(await sum(store.count!(10))).toBe(2)
  })

  test('sweeps an expired record by its latest expiry, after a touch or a shortening replace', async () => {
    const store = memoryStore()
    await store.create(key(1), record(10), 0)
    await store.touch(key(1), asExpected(record(10)), 30, 0)
    await store.create(key(2), record(50), 0)
    await store.replace(key(2), asExpected(record(50)), { ...record(20), revision: 2 }, 0)
    const swept: number[] = []
    for (const at of [29, 30, 99]) swept.push(await sum(store.sweep!(GRACE_MS + at)))
    expect(swept).toEqual([1, 1, 0])
  })

  test('keeps the last tenth of its room for sessions that are signed in', async () => {
    const store = memoryStore({ maxRecords: 20 })
    for (let i = 0; i < 18; i++) expect(await store.create(key(i), record(30), 0)).toBe(true)
    await expect(store.create(key(18), record(30), 0)).rejects.toMatchObject({ code: 'store_full' })
    for (const i of [18, 19]) expect(await store.create(key(i), { ...record(30), subject: 'ann' }, 0)).toBe(true)
    await expect(store.create(key(20), { ...record(30), subject: 'ann' }, 0)).rejects.toMatchObject({
      code: 'store_full',
    })
  })

  test.each([{ maxRecords: 0 }, { maxRecords: 1.5 }, { maxPayloadBytes: -1 }])('refuses %j by name', (options) => {
    expect(() => memoryStore(options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(Object.keys(options)[0]!) }),
    )
  })
})

test('the heap returns keys in the order of their times, whatever the order of insertion', () => {
  const heap = new ExpiryHeap()
  const times = Array.from({ length: 200 }, (_, i) => (i * 7919) % 211)
  for (const at of times) heap.push(at, String(at))
  const out: number[] = []
  for (; heap.first; heap.pop()) out.push(heap.first.at)
  expect(out).toEqual(times.toSorted((a, b) => a - b))
})
