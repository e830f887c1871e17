import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { heldStore, type HeldStore } from '../test/held-store.ts'
import { GRACE_MS } from './adapter.ts'
import { externalIdSessions } from './external-ids.ts'
import {
  createSessions,
  SessError,
  type BaseOptions,
  type SessionStore,
  type Sessions,
  type SessionsEvents,
} from './index.ts'

const TEN_MINUTES = 600_000
let store: HeldStore
let errors: SessionsEvents['error'][]

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  vi.spyOn(Math, 'random').mockReturnValue(0.25)
  store = heldStore()
  errors = []
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function open(options: Partial<BaseOptions> = {}): Sessions {
  const sessions = createSessions({ store, log: false, ...options })
  sessions.on('error', (event) => errors.push(event))
  return sessions
}

async function create(sessions: Sessions): Promise<void> {
  const session = await sessions.load(undefined)
  session.data = { n: 1 }
  await session.commit()
}

test('the first session that a process creates starts the timer; a read does not', async () => {
  const sessions = open()
  await (await sessions.load(undefined)).commit()
  expect(vi.getTimerCount()).toBe(0)
  await create(sessions)
  await create(sessions)
  expect(vi.getTimerCount()).toBe(1)
  await vi.advanceTimersByTimeAsync(TEN_MINUTES / 4 - 1)
  expect(store.called('sweep')).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(store.called('sweep')).toBe(1)
  await vi.advanceTimersByTimeAsync(TEN_MINUTES - 1)
  expect(store.called('sweep')).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(store.called('sweep')).toBe(2)
})

test('a sweep removes expired records and keeps live records', async () => {
  const sessions = open({ sweepEvery: '1h', idleTimeout: '1m' })
  await create(sessions)
  await vi.advanceTimersByTimeAsync(3_600_000 / 4)
  expect(store.records.size).toBe(0)
  const lasting = open({ sweepEvery: '1h', idleTimeout: false })
  await create(lasting)
  await vi.advanceTimersByTimeAsync(3_600_000 / 4)
  expect(store.records.size).toBe(1)
})

test('the timer does not keep the process alive', async () => {
  const timers: NodeJS.Timeout[] = []
  const { setTimeout } = globalThis
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) => {
    const timer = setTimeout(run, ms)
    if (ms === TEN_MINUTES / 4) timers.push(timer)
    return timer
  }) as typeof setTimeout)
  await create(open())
  expect(timers.map((timer) => timer.hasRef())).toEqual([false])
})

test('a sweep begins only after the previous sweep has ended, however long that takes', async () => {
  const sessions = open({ storeTimeout: '10s' })
  await create(sessions)
  store.hold('sweep')
  await vi.advanceTimersByTimeAsync(TEN_MINUTES / 4 + 9000)
  expect(store.called('sweep')).toBe(1)
  expect(vi.getTimerCount()).toBe(1) // that of storeTimeout
})

test('a failed sweep is an error event, and the next sweep tries again', async () => {
  await create(open())
  store.hold('sweep')
  await vi.advanceTimersByTimeAsync(TEN_MINUTES / 4)
  store.failBefore(0, new SessError('unsupported', 'no'))
  await vi.advanceTimersByTimeAsync(0)
  expect(errors).toEqual([expect.objectContaining({ operation: 'sweep', code: 'unsupported' })])
  const before = store.called('sweep')
  await vi.advanceTimersByTimeAsync(TEN_MINUTES)
  expect(store.called('sweep')).toBeGreaterThan(before)
})

test.each([
  [GRACE_MS, 1],
  [GRACE_MS + 1, 0],
  [-86_400_000, 1],
])('with a clock that is %d ms ahead it sweeps %d times', async (ahead, times) => {
  await create(open({ clock: () => Date.now() + ahead }))
  await vi.advanceTimersByTimeAsync(TEN_MINUTES / 4)
  expect(store.called('sweep')).toBe(times)
})

test('close ends the timer, and a session that is created later starts none', async () => {
  const sessions = open()
  await create(sessions)
  await sessions.close()
  await sessions.close()
  await create(sessions)
  expect(vi.getTimerCount()).toBe(0)
  const other = open()
  await other.close()
  await create(other)
  expect(vi.getTimerCount()).toBe(0)
})

test('close waits for the page that is under way, and requests no other page', async () => {
  const sessions = open()
  await create(sessions)
  store.hold('sweep')
  await vi.advanceTimersByTimeAsync(TEN_MINUTES / 4)
  let closed = false
  const closing = sessions.close().then(() => (closed = true))
  await vi.advanceTimersByTimeAsync(0)
  expect(closed).toBe(false)
  store.release()
  await closing
  expect([store.called('sweep'), vi.getTimerCount()]).toEqual([1, 0])
})

test('no timer starts with sweepEvery: false, or on a store that removes expired records itself', async () => {
  await create(open({ sweepEvery: false }))
  await create(createSessions({ store: { ...store, sweep: undefined } as unknown as SessionStore, log: false }))
  expect(vi.getTimerCount()).toBe(0)
})

test.each([['0s'], [600], ['25d'], ['often']])('sweepEvery: %j is refused', (sweepEvery) => {
  expect(() => open({ sweepEvery } as Partial<BaseOptions>)).toThrow(/^sweepEvery /)
})

test('sessions whose IDs another library makes are swept as well', async () => {
  const sessions = externalIdSessions({ store, domain: 'test', lifeOf: () => ({}) })
  await sessions.start('id').save({ n: 1 })
  expect(vi.getTimerCount()).toBe(1)
  await sessions.close()
  expect(vi.getTimerCount()).toBe(0)
})
