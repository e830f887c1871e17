import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { heldStore, turn } from '../test/held-store.ts'
import { wrapStore, type StoreAround } from './adapter.ts'
import { createSessions, SessError, type SessionStore } from './index.ts'

const clock = (): number => 1_800_000_000_000
const cut = (): Error => new Error('the connection was cut')
const refused = (): SessError => new SessError('store_unavailable', 'the server is busy')

/** Sessions on a store of which some methods are given. */
function on(around: StoreAround, store: SessionStore = heldStore()) {
  const errors: string[] = []
  const sessions = createSessions({ store: wrapStore(store, around), clock, log: false, storeTimeout: '100ms' })
  sessions.on('error', ({ code, operation }) => errors.push(`${operation}: ${code}`))
  return { sessions, errors }
}

/** Pages, of which an error is thrown. */
async function* pages<T>(...all: (T | Error)[]): AsyncGenerator<T, void> {
  for (const page of all) {
    if (page instanceof Error) throw page
    yield page
  }
}

describe('a read in pages', () => {
  test('fails like any other read, and is not retried', async () => {
    let calls = 0
    const { sessions, errors } = on({
      count: () => {
        calls++
        return pages<number>(3, cut())
      },
      list: () => pages<never>(cut()),
    })
    await expect(sessions.count()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(Array.fromAsync(sessions.listSubject('ann'))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect([calls, errors]).toEqual([1, ['count: store_unavailable', 'listSubject: store_unavailable']])
  })

  test('ends the store’s iteration when the caller leaves a list early', async () => {
    const store = heldStore()
    const sessions = createSessions({ store, clock })
    for (let i = 0; i < 3; i++) await (await sessions.load(undefined)).login('ann')
    let left = false
    const { sessions: watched } = on(
      {
        async *list(...args) {
          try {
            yield* store.list(...args)
          } finally {
            left = true
          }
        },
      },
      store,
    )
    for await (const _ of watched.listSubject('ann')) break
    await turn()
    expect(left).toBe(true)
  })
})

describe('a write in pages', () => {
  test('is retried once if it may have done nothing', async () => {
    const tries = [pages<number>(cut()), pages<number>(2, 1)]
    const { sessions, errors } = on({ deleteSubject: () => tries.shift()! })
    expect(await sessions.revokeSubject('ann')).toBe(3)
    expect(errors).toEqual(['revokeSubject: unknown_outcome'])
  })

  test('rejects with the store’s error if nothing was done', async () => {
    const { sessions } = on({ deleteSubject: () => pages<number>(0, refused()) })
    await expect(sessions.revokeSubject('ann')).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('has an unknown outcome once a page was done, whatever the store’s error', async () => {
    const { sessions, errors } = on({ deleteSubject: () => pages<number>(5, refused()) })
    await expect(sessions.revokeSubject('ann')).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(errors).toEqual(['revokeSubject: unknown_outcome', 'revokeSubject: unknown_outcome'])
  })

  test('returns the sum of its pages', async () => {
    const { sessions } = on({ sweep: () => pages<number>(5, 0, 2), deleteSubject: () => pages(1, undefined, 2) })
    expect([await sessions.sweep(), await sessions.revokeSubject('ann')]).toEqual([7, undefined])
  })
})

describe('storeTimeout', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test('bounds each step, not the whole call', async () => {
    const { sessions } = on({
      async *count() {
        for (let page = 0; page < 10; page++) {
          await vi.advanceTimersByTimeAsync(90)
          yield 1
        }
      },
    })
    expect(await sessions.count()).toBe(10)
  })

  test('ends a step that hangs, and does not wait for the iteration to close', async () => {
    const { sessions } = on({
      async *count() {
        yield 1
        await new Promise(() => {})
      },
    })
    const count = sessions.count().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(100)
    expect(await count).toMatchObject({
      code: 'store_unavailable',
      cause: expect.objectContaining({ message: expect.stringContaining('100 ms') as unknown }) as unknown,
    })
  })
})
