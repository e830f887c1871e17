import { describe, expect, test, vi } from 'vitest'
import { asExpected, defineStore, GRACE_MS, sum, type StoreImplementation } from './adapter.ts'
import type { SessionKey, SessionRecord } from './store.ts'

const key: SessionKey = { tag: 'a'.repeat(12), id: 'b'.repeat(16) }
const ann = { id: 'ann', tag: key.tag }
const record: SessionRecord = { revision: 1, expiresAt: 1000, payload: new Uint8Array(8) }

/** A store of which each call is an error, but for what is given. */
const none = (): never => {
  throw new Error('not to be called')
}
const five = { read: none, create: none, replace: none, touch: none, delete: none }
const define = (own: Partial<StoreImplementation> = {}) =>
  defineStore({ name: 'test', traits: { maxPayloadBytes: 8 }, ...five, ...own })

async function* pages<T>(...all: T[]): AsyncGenerator<T, void> {
  yield* all
}

describe('a store made by defineStore', () => {
  test('has the optional methods of its implementation, and no others', () => {
    const optional = ['list', 'all', 'deleteSubject', 'count', 'sweep', 'close'] as const
    const of = (own: Partial<StoreImplementation>) => optional.filter((name) => name in define(own))
    expect(of({})).toEqual([])
    expect(of({ count: () => pages(1), close: () => {} })).toEqual(['count', 'close'])
    expect(of({ list: undefined as never })).toEqual([])
    class Listing {
      readonly name = 'class'
      readonly traits = { maxPayloadBytes: 1 }
      readonly read = none
      readonly create = none
      readonly replace = none
      readonly touch = none
      readonly delete = none
      list() {
        return pages([key, record] as const)
      }
    }
    expect('list' in defineStore(new Listing())).toBe(true)
  })

  test('has every trait, and its traits are frozen', () => {
    const { traits } = define({ traits: { maxPayloadBytes: 8, staleMs: 5 } })
    expect(traits).toEqual({ maxPayloadBytes: 8, expiryResolutionMs: 1, needsPepper: false, staleMs: 5 })
    expect(Object.isFrozen(traits)).toBe(true)
  })

  test.each<[string, Partial<StoreImplementation>]>([
    ['name', { name: '' }],
    ['traits.maxPayloadBytes', { traits: {} as never }],
    ['touch', { touch: undefined as never }],
    ['list', { list: 'no method' as never }],
  ])('is refused for its %s', (what, own) => {
    expect(() => define(own)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^${what} `) as unknown }),
    )
  })

  test('names a wrong argument in its error, and does not call the implementation', async () => {
    const store = define({ deleteSubject: none, count: none })
    const wrong = (name: string) => ({ code: 'invalid_option', message: expect.stringMatching(`^${name} `) as unknown })
    await expect(store.read({ ...key, tag: 'short' }, 0)).rejects.toMatchObject(wrong('key'))
    await expect(store.read(key, NaN)).rejects.toMatchObject(wrong('now'))
    await expect(store.create(key, { ...record, revision: 0.5 }, 0)).rejects.toMatchObject(wrong('record'))
    await expect(store.replace(key, undefined as never, record, 0)).rejects.toMatchObject(wrong('expected'))
    await expect(store.touch(key, 5 as never, record as never, 0)).rejects.toMatchObject(wrong('expected'))
    await expect(store.touch(key, asExpected(record), -1, 0)).rejects.toMatchObject(wrong('expiresAt'))
    await expect(sum(store.deleteSubject!({ ...ann, id: '' }, 0))).rejects.toMatchObject(wrong('subject'))
    await expect(sum(store.deleteSubject!(ann, 0, { tag: '', id: '' }))).rejects.toMatchObject(wrong('key'))
    await expect(sum(store.count!(Infinity))).rejects.toMatchObject(wrong('now'))
  })

  test('accepts payloads up to its limit', async () => {
    const store = define({ create: async () => true, replace: async () => 'replaced' })
    const large = { ...record, payload: new Uint8Array(9) }
    expect(await store.create(key, record, 0)).toBe(true)
    await expect(store.create(key, large, 0)).rejects.toMatchObject({ code: 'too_large' })
    await expect(store.replace(key, asExpected(record), large, 0)).rejects.toMatchObject({ code: 'too_large' })
  })

  test('read returns the object that the implementation returned, unless it has expired', async () => {
    const store = define({
      read: async () => record,
      list: () => pages([key, record] as const),
      all: () => pages([key, record] as const),
    })
    expect(await store.read(key, 999)).toBe(record)
    expect(await store.read(key, 1000)).toBeUndefined()
    for (const list of [(now: number) => store.list!(ann, now), (now: number) => store.all!(now)])
      expect([await Array.fromAsync(list(999)), await Array.fromAsync(list(1000))]).toEqual([[[key, record]], []])
    const damaged = { ...record, expiresAt: NaN }
    expect(await define({ read: async () => damaged }).read(key, 0)).toBe(damaged)
  })

  test('rejects when its implementation throws synchronously', async () => {
    await expect(define().read(key, 0)).rejects.toThrow('not to be called')
  })

  test('sweeps what ended a minute before now, by the earlier of its own and the caller’s clock', async () => {
    const told: number[] = []
    const sweep = (until: number) => {
      told.push(until)
      return pages(3, 4)
    }
    const now = Date.now()
    expect(await sum(define({ sweep }).sweep!(now - 5000))).toBe(7)
    await sum(define({ sweep, clock: async () => 70_000 }).sweep!(now))
    await sum(define({ sweep }).sweep!(now + 86_400_000))
    expect(told.slice(0, 2)).toEqual([now - 5000 - GRACE_MS, 10_000])
    expect(Math.abs(told[2]! - (now - GRACE_MS))).toBeLessThan(10_000)
  })

  test('closes once; later calls and iterations that are under way fail', async () => {
    const close = vi.fn()
    const store = define({ close, count: () => pages(1, 2), read: none })
    const counting = store.count!(0)[Symbol.asyncIterator]()
    expect(await counting.next()).toEqual({ done: false, value: 1 })
    await Promise.all([store.close!(), store.close!()])
    await store.close!()
    expect(close).toHaveBeenCalledOnce()
    const closed = { code: 'store_unavailable', message: 'the test store was closed; make another' }
    await expect(counting.next()).rejects.toMatchObject(closed)
    await expect(store.read(key, 0)).rejects.toMatchObject(closed)
    await expect(sum(store.count!(0))).rejects.toMatchObject(closed)
  })

  test('yields to the event loop between two pages', async () => {
    const order: string[] = []
    const store = define({
      async *count() {
        for (let page = 0; page < 3; page++) {
          const began = performance.now()
          while (performance.now() - began < 11);
          order.push('page')
          yield 1
        }
      },
    })
    setImmediate(() => order.push('other'))
    await sum(store.count!(0))
    expect(order.slice(0, 2)).toEqual(['page', 'other'])
  })
})
