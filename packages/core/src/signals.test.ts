import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SessError, wrapStore, type StoreAround } from './adapter.ts'
import { bindingOf } from './binding.ts'
import {
  createSessions,
  memoryStore,
  type BaseOptions,
  type Session,
  type Sessions,
  type SessionStore,
} from './index.ts'

const SECOND = 1000
const MINUTE = 60_000

let origin: SessionStore
let reads = 0

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
  origin = memoryStore()
  reads = 0
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** The sessions of one process, over the store that all of them share. */
function process(options: Partial<BaseOptions> = {}, around: StoreAround = {}): Sessions {
  const store = wrapStore(origin, {
    read(...values) {
      if (values[2]?.fresh) reads++
      return origin.read(...values)
    },
    ...around,
  })
  return createSessions({ store, clock: () => Date.now(), log: false, sweepEvery: false, ...options })
}

async function signedIn(sessions: Sessions, subject = 'u'): Promise<{ session: Session; cookie: string }> {
  const session = await sessions.load(undefined)
  const { cookieValue } = await session.login(subject)
  return { session, cookie: cookieValue! }
}

describe('what this process does aborts at once', () => {
  test.each(['logout', 'destroy'] as const)('%s: ended', async (end) => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(await sessions.load(cookie))
    expect(signal.aborted).toBe(false)
    await session[end]()
    expect([signal.aborted, signal.reason, reads]).toEqual([true, 'ended', 0])
  })

  test('revoke: reason revoked', async () => {
    const sessions = process()
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session)
    await sessions.revoke(session.handle!, { anySubject: true })
    expect(signal.reason).toBe('revoked')
  })

  test('revokeSubject: reason revoked, except for the session that it spares', async () => {
    const sessions = process()
    const { session: here } = await signedIn(sessions)
    const { session: there } = await signedIn(sessions)
    const { session: anothers } = await signedIn(sessions, 'v')
    const signals = [here, there, anothers].map((session) => sessions.signal(session))
    await sessions.revokeSubject('u', { except: here })
    await vi.advanceTimersByTimeAsync(0)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, false])
    expect(signals[1]!.reason).toBe('revoked')
  })

  test('a rotation: reason superseded for signals of the old secret; the session object that rotated keeps its signals', async () => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    const own = sessions.signal(session)
    const other = sessions.signal(await sessions.load(cookie))
    await session.regenerate()
    await vi.advanceTimersByTimeAsync(0)
    expect([own.aborted, other.reason]).toEqual([false, 'superseded'])
    await session.login('u')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(own.aborted).toBe(false)
    await session.logout()
    expect(own.reason).toBe('ended')
  })

  test('a repeated sign-in: reason superseded for signals of the old secret', async () => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    const signals = [session, await sessions.load(cookie)].map((each) => sessions.signal(each))
    await session.login('u')
    await vi.advanceTimersByTimeAsync(0)
    expect(signals.map(({ reason }): unknown => reason)).toEqual([undefined, 'superseded'])
  })

  test('the end of a kept secret’s window: reason superseded', async () => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(await sessions.load(cookie), { recheckEvery: '1s' })
    await session.regenerate({ keepOldFor: '10s' })
    await vi.advanceTimersByTimeAsync(9 * SECOND)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2 * SECOND)
    expect(signal.reason).toBe('superseded')
  })

  test('a sign-in of another subject, but not a sign-in from an anonymous session, which keeps the signals of its object', async () => {
    const sessions = process()
    const session = await sessions.load(undefined)
    session.data = { cart: ['book'] }
    const { cookieValue } = await session.commit()
    const own = sessions.signal(session)
    const other = sessions.signal(await sessions.load(cookieValue))
    await session.login('u')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([own.aborted, other.reason]).toEqual([false, 'superseded'])
    await session.login('v')
    expect(own.reason).toBe('superseded')
  })
})

describe('what another process does aborts within recheckEvery', () => {
  const cases: readonly [string, (sessions: Sessions, cookie: string) => Promise<unknown>, string][] = [
    ['a logout', async (sessions, cookie) => (await sessions.load(cookie)).logout(), 'revoked'],
    ['a revocation', (sessions) => sessions.revokeSubject('u'), 'revoked'],
    ['a rotation', async (sessions, cookie) => (await sessions.load(cookie)).regenerate(), 'superseded'],
    ['a sign-in of another', async (sessions, cookie) => (await sessions.load(cookie)).login('v'), 'superseded'],
  ]
  test.each(cases)('%s', async (_, act, reason) => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '10s' })
    await act(process(), cookie)
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    expect(signal.reason).toBe(reason)
  })

  test('expiry: reason expired, at once', async () => {
    const sessions = process({ idleTimeout: '5m' })
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '1h' })
    await vi.advanceTimersByTimeAsync(5 * MINUTE - SECOND)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2 * SECOND)
    expect(signal.reason).toBe('expired')
  })

  test('notBefore: reason revoked', async () => {
    const { session, cookie } = await signedIn(process())
    const sessions = process({ notBefore: Date.now() + MINUTE })
    const signal = sessions.signal(await sessions.load(cookie), { recheckEvery: '10s' })
    await vi.advanceTimersByTimeAsync(MINUTE - SECOND)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(11 * SECOND)
    expect([signal.reason, session.status]).toEqual(['revoked', 'active'])
  })

  test('a revocation, even if further signals are made meanwhile', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    const sessions = process()
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '10s' })
    await process().revokeSubject('u')
    for (let second = 0; second < 10; second++) {
      sessions.signal(session, { recheckEvery: '10s' })
      await vi.advanceTimersByTimeAsync(SECOND)
    }
    expect(signal.reason).toBe('revoked')
  })

  test('a logout after the expiry that this process knew, of a session that the other process used: reason revoked', async () => {
    const sessions = process({ idleTimeout: '5m' })
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '30s' })
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    const elsewhere = await process({ idleTimeout: '5m' }).load(cookie)
    await elsewhere.commit()
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    await elsewhere.logout()
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(signal.reason).toBe('revoked')
  })

  test('not while another process uses the session', async () => {
    const sessions = process({ idleTimeout: '5m' })
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '1h' })
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    await (await process({ idleTimeout: '5m' }).load(cookie)).commit()
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(signal.reason).toBe('expired')
  })
})

describe('the cost of signals', () => {
  test('is one read per session and interval, however many signals the session has', async () => {
    const sessions = process({ idleTimeout: '1h' })
    const { session, cookie } = await signedIn(sessions)
    const signals = [session, ...(await Promise.all(Array.from({ length: 50 }, () => sessions.load(cookie))))].map(
      (each) => sessions.signal(each, { recheckEvery: '10s' }),
    )
    await vi.advanceTimersByTimeAsync(100 * SECOND)
    expect(reads).toBeGreaterThanOrEqual(10)
    expect(reads).toBeLessThanOrEqual(12)
    expect(signals.some(({ aborted }) => aborted)).toBe(false)
  })

  test('ends with until or close, which abort no signal', async () => {
    const sessions = process()
    const { session } = await signedIn(sessions)
    const connection = new AbortController()
    const signal = sessions.signal(session, { recheckEvery: '1s', until: connection.signal })
    const gone = sessions.signal(session, { recheckEvery: '1s', until: AbortSignal.abort() })
    connection.abort()
    await sessions.revokeSubject('u')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([signal.aborted, gone.aborted, reads, vi.getTimerCount()]).toEqual([false, false, 0, 0])
    const { session: next } = await signedIn(sessions)
    const open = sessions.signal(next, { recheckEvery: '1s' })
    await sessions.close()
    expect(vi.getTimerCount()).toBe(0)
    await sessions.revokeSubject('u')
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([open.aborted, reads, vi.getTimerCount()]).toEqual([false, 0, 0])
  })

  test('is at most 100 reads at once, spread over the interval', async () => {
    let running = 0
    let most = 0
    const times: number[] = []
    const began = Date.now()
    const sessions = process(
      {},
      {
        async read(...values) {
          if (!values[2]?.fresh) return origin.read(...values)
          times.push(Date.now() - began)
          most = Math.max(most, ++running)
          await new Promise((resolve) => setTimeout(resolve, SECOND))
          running--
          return origin.read(...values)
        },
      },
    )
    const signals: AbortSignal[] = []
    for (let i = 0; i < 300; i++)
      signals.push(sessions.signal((await signedIn(sessions)).session, { recheckEvery: '20s' }))
    await vi.advanceTimersByTimeAsync(20 * SECOND)
    expect(times).toHaveLength(300)
    const halves = [
      times.filter((time) => time < 10 * SECOND).length,
      times.filter((time) => time >= 10 * SECOND).length,
    ]
    expect(Math.min(...halves)).toBeGreaterThan(50)
    await sessions.revokeSubject('u')
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    expect(signals.every(({ reason }) => reason === 'revoked')).toBe(true)
    expect(most).toBe(100)
  })

  test('includes no timer that keeps the process alive', async () => {
    vi.useRealTimers()
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const sessions = process()
    const { session } = await signedIn(sessions)
    timers.mockClear()
    sessions.signal(session)
    expect(timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
    timers.mockRestore()
    await sessions.close()
  })
})

describe('a recheck while something else happens', () => {
  /** Lets a test hold the answers of fresh reads, and of replaces. */
  function gates(): { readonly around: StoreAround; hold: 'read' | 'replace' | undefined; open: () => void } {
    const waiting: (() => void)[] = []
    const gate = {
      hold: undefined as 'read' | 'replace' | undefined,
      open: () => waiting.splice(0).forEach((go) => go()),
      around: {
        async read(...values: Parameters<SessionStore['read']>) {
          const record = await origin.read(...values)
          if (values[2]?.fresh && gate.hold === 'read') await new Promise<void>((resolve) => waiting.push(resolve))
          return record
        },
        async replace(...values: Parameters<SessionStore['replace']>) {
          const answer = await origin.replace(...values)
          if (gate.hold === 'replace') await new Promise<void>((resolve) => waiting.push(resolve))
          return answer
        },
      },
    }
    return gate
  }

  test('ignores a read that began before this session object’s own rotation', async () => {
    const gate = gates()
    const sessions = process({}, gate.around)
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '1s' })
    gate.hold = 'read'
    await vi.advanceTimersByTimeAsync(SECOND)
    await session.regenerate()
    gate.hold = undefined
    gate.open()
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    expect(signal.aborted).toBe(false)
  })

  test('ignores a read that began before the answer to this session object’s own rotation', async () => {
    const gate = gates()
    const sessions = process({}, gate.around)
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '1s' })
    gate.hold = 'replace'
    const rotation = session.regenerate()
    await vi.advanceTimersByTimeAsync(2 * SECOND)
    expect(signal.aborted).toBe(false)
    gate.open()
    await rotation
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    expect(signal.aborted).toBe(false)
  })

  test('is repeated at once if something happened during the read', async () => {
    const gate = gates()
    const sessions = process({}, gate.around)
    const { session, cookie } = await signedIn(sessions)
    const signal = sessions.signal(await sessions.load(cookie), { recheckEvery: '10s' })
    gate.hold = 'read'
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    gate.hold = undefined
    await session.regenerate()
    gate.open()
    await vi.advanceTimersByTimeAsync(0)
    expect(signal.reason).toBe('superseded')
  })
})

test('that meets an outage aborts nothing, and is an event', async () => {
  let down = false
  const errors: string[] = []
  const sessions = process(
    {},
    {
      read: (...values) =>
        down ? Promise.reject(new SessError('store_unavailable', 'out of reach')) : origin.read(...values),
    },
  )
  sessions.on('error', ({ code, operation }) => errors.push(`${operation}: ${code}`))
  const { session } = await signedIn(sessions)
  const signal = sessions.signal(session, { recheckEvery: '10s' })
  down = true
  await vi.advanceTimersByTimeAsync(30 * SECOND)
  expect(signal.aborted).toBe(false)
  expect(errors.length).toBeGreaterThanOrEqual(2)
  expect(new Set(errors)).toEqual(new Set(['signal: store_unavailable']))
  await process().revokeSubject('u')
  down = false
  await vi.advanceTimersByTimeAsync(10 * SECOND)
  expect(signal.reason).toBe('revoked')
})

describe('keepAlive', () => {
  test('counts an open connection as use, to the absolute expiry at most', async () => {
    const options = { idleTimeout: '10m', absoluteTimeout: '1h' } as const
    let touches = 0
    const sessions = process(options, {
      touch(...values) {
        touches++
        return origin.touch(...values)
      },
    })
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '30s', keepAlive: true })
    await vi.advanceTimersByTimeAsync(59 * MINUTE)
    expect(signal.aborted).toBe(false)
    // touchAfter is a minute.
    expect(touches).toBeGreaterThan(30)
    expect(touches).toBeLessThan(60)
    await vi.advanceTimersByTimeAsync(2 * MINUTE)
    expect(signal.reason).toBe('expired')
  })

  test('keeps a session alive whose idle timeout is shorter than recheckEvery', async () => {
    const sessions = process({ idleTimeout: '1m' })
    const { session } = await signedIn(sessions)
    const signal = sessions.signal(session, { recheckEvery: '1h', keepAlive: true })
    await vi.advanceTimersByTimeAsync(30 * MINUTE)
    expect(signal.aborted).toBe(false)
  })
})

describe('signal called with what it cannot watch', () => {
  test('returns an aborted signal for a session without a record', async () => {
    const sessions = process()
    const { session, cookie } = await signedIn(sessions)
    expect(sessions.signal(await sessions.load(undefined)).reason).toBe('ended')
    await session.regenerate()
    expect(sessions.signal(await sessions.load(cookie)).reason).toBe('superseded')
    await session.destroy()
    expect(sessions.signal(session).reason).toBe('ended')
  })

  test('refuses sessions of another sessions object, wrong options and wrong values, each by name', async () => {
    const sessions = process()
    const { session } = await signedIn(sessions)
    const refused = (value: unknown, options?: unknown): (() => void) => {
      return () => sessions.signal(value as Session, options as object)
    }
    expect(refused((await signedIn(process())).session)).toThrow(
      'session of signal() must be a session that load() of these',
    )
    expect(refused({})).toThrow('session of signal() must be')
    expect(refused(session, { every: '1s' })).toThrow('every is no option of signal()')
    expect(refused(session, { recheckEvery: 30 })).toThrow('recheckEvery is 30')
    expect(refused(session, { recheckEvery: '25d' })).toThrow('recheckEvery must be at most 24d')
    expect(refused(session, { until: 'closed' })).toThrow('until must be an AbortSignal')
    expect(refused(session, { keepAlive: 1 })).toThrow('keepAlive must be')
  })

  test('counts as use of the session', async () => {
    const sessions = process()
    const { cookie } = await signedIn(sessions)
    const session = await sessions.load(cookie)
    sessions.signal(session)
    expect(bindingOf(session).used).toBe(true)
  })
})
