import { describe, expect, test } from 'vitest'
import { heldStore } from '../test/held-store.ts'
import { createSessions, memoryStore, type BaseOptions, type Session, type Sessions } from './index.ts'
import { wrapStore } from './adapter.ts'

const MINUTE = 60_000
let now = 1_700_000_000_000

function sessionsOf(options: Partial<BaseOptions> = {}): Sessions {
  return createSessions({ store: memoryStore(), clock: () => now, log: false, ...options })
}

async function signIn(sessions: Sessions, subject = 'u', cookie?: string): Promise<Session> {
  const session = await sessions.load(cookie)
  await session.login(subject)
  return session
}

describe('maxPerSubject', () => {
  test('refuses a login past the limit and writes nothing; a logout makes room', async () => {
    const store = heldStore()
    const sessions = sessionsOf({ store, maxPerSubject: 2 })
    const first = await signIn(sessions)
    await signIn(sessions)
    const third = await sessions.load(undefined)
    third.data = { cart: ['book'] }
    const writes = store.called('create')
    await expect(third.login('u')).rejects.toMatchObject({ code: 'too_many_sessions', status: 409 })
    expect([third.status, third.subject, third.data, store.called('create')]).toEqual([
      'new',
      undefined,
      { cart: ['book'] },
      writes,
    ])
    await signIn(sessions, 'another')
    await first.logout()
    expect(await third.login('u')).toMatchObject({ status: 'created' })
  })

  test('does not count a second sign-in in the same session', async () => {
    const sessions = sessionsOf({ maxPerSubject: 1 })
    const session = await signIn(sessions)
    expect(await session.login('u')).toMatchObject({ status: 'saved' })
  })

  test('does not count markers and sessions that have ended', async () => {
    const sessions = sessionsOf({ maxPerSubject: 1 })
    const session = await signIn(sessions)
    await session.login('another')
    expect((await signIn(sessions)).status).toBe('active')
    now += 31 * MINUTE
    expect((await signIn(sessions)).status).toBe('active')
  })

  test('counts sessions that a newer deploy wrote, without failing on them', async () => {
    const store = memoryStore()
    await signIn(sessionsOf({ store, schemaVersion: 2 }))
    expect((await signIn(sessionsOf({ store, maxPerSubject: 2 }))).status).toBe('active')
    await expect(signIn(sessionsOf({ store, maxPerSubject: 2 }))).rejects.toMatchObject({ code: 'too_many_sessions' })
  })

  test('may be exceeded by the number of simultaneous logins', async () => {
    const store = heldStore()
    const sessions = sessionsOf({ store, maxPerSubject: 1 })
    store.hold('create')
    const both = [signIn(sessions), signIn(sessions)]
    await store.pending(2)
    store.flow()
    await Promise.all(both)
    expect(store.records.size).toBe(2)
    await expect(signIn(sessions)).rejects.toMatchObject({ code: 'too_many_sessions' })
  })

  test.each([0, -1, 1.5, Number.NaN, '2'])('is no %s', (maxPerSubject) => {
    expect(() => sessionsOf({ maxPerSubject: maxPerSubject as number })).toThrow(
      'maxPerSubject must be a whole number above 0',
    )
  })

  test('needs a store that can list', () => {
    const { list: _, ...store } = wrapStore(memoryStore(), {})
    expect(() => sessionsOf({ store, maxPerSubject: 1 })).toThrow('maxPerSubject needs a store that can list')
  })
})

describe('the option anonymous', () => {
  test('bounds only sessions that nobody signed in to', async () => {
    const sessions = sessionsOf({ anonymous: { idleTimeout: '5m', absoluteTimeout: '1h' } })
    const session = await sessions.load(undefined)
    expect(session.expiresAt).toBe(now + 5 * MINUTE)
    session.data = { cart: ['book'] }
    await session.commit()
    expect(session.expiresAt).toBe(now + 5 * MINUTE)
    await session.login('u')
    expect([session.expiresAt, session.data]).toEqual([now + 30 * MINUTE, { cart: ['book'] }])
    await session.logout()
    expect(session.expiresAt).toBe(now + 5 * MINUTE)
  })

  test('ends an anonymous session at its own absolute timeout, however often it is used', async () => {
    const sessions = sessionsOf({ anonymous: { idleTimeout: false, absoluteTimeout: '5m' } })
    const session = await sessions.load(undefined)
    session.data = { n: 1 }
    const { cookieValue } = await session.commit()
    now += 5 * MINUTE - 1
    expect((await sessions.load(cookieValue)).status).toBe('active')
    now++
    expect((await sessions.load(cookieValue)).status).toBe('new')
  })

  test('takes what it leaves out from createSessions, with an idle timeout no longer than the absolute timeout', async () => {
    const lifeOf = async (anonymous: BaseOptions['anonymous']): Promise<number> =>
      (await sessionsOf({ anonymous: anonymous! }).load(undefined)).expiresAt - now
    expect(await lifeOf({})).toBe(30 * MINUTE)
    expect(await lifeOf({ absoluteTimeout: '10m' })).toBe(10 * MINUTE)
    expect(await lifeOf({ idleTimeout: false })).toBe(720 * MINUTE)
  })

  test('refuses unknown options, and names its own options', () => {
    expect(() => sessionsOf({ anonymous: { ttl: '5m' } as object })).toThrow('ttl is no option of anonymous')
    expect(() => sessionsOf({ anonymous: { idleTimeout: '2h', absoluteTimeout: '1h' } })).toThrow(
      'anonymous.idleTimeout is longer than anonymous.absoluteTimeout',
    )
  })
})
