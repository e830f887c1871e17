import { inspect } from 'node:util'
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { heldStore } from '../test/held-store.ts'
import { bindingOf, sessionsBindingOf } from './binding.ts'
import { createSessions, memoryStore, type Session, type Sessions } from './index.ts'

let sessions: Sessions

beforeEach(() => {
  sessions = createSessions({ store: memoryStore() })
})

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('what an application sees of a session', () => {
  test('includes no member that only a binding needs', async () => {
    type Members = keyof Session
    expectTypeOf<Members>().toEqualTypeOf<
      | 'data'
      | 'handle'
      | 'status'
      | 'subject'
      | 'createdAt'
      | 'authenticatedAt'
      | 'expiresAt'
      | 'commit'
      | 'update'
      | 'login'
      | 'regenerate'
      | 'logout'
      | 'destroy'
      | 'flash'
      | 'flashed'
      | 'requireFresh'
    >()
    expectTypeOf<keyof Sessions>().toEqualTypeOf<
      'load' | 'listSubject' | 'revoke' | 'revokeSubject' | 'signal' | 'count' | 'sweep' | 'close' | 'on' | 'once'
    >()
    const session = await sessions.load(undefined)
    for (const member of ['needsCommit', 'cookieChange', 'closeCookie', 'used', 'binding', 'report', 'markUsed'])
      expect(member in session).toBe(false)
  })

  test('includes nothing mutable that all sessions share', async () => {
    const session = await sessions.load(undefined)
    const { flash } = session
    expect(Object.isFrozen(flash)).toBe(true)
    expect(Object.isFrozen(Object.getPrototypeOf(session))).toBe(true)
    expect(() => Object.assign(flash, { info: ['a secret'] })).toThrow(TypeError)
  })

  test.each([
    ['user', 'did you mean session.data.user?'],
    ['id', 'did you mean session.data.id?'],
    ['passport', 'did you mean session.data.passport?'],
    ['subject', 'await session.login(userId)'],
    ['handle', 'await session.regenerate()'],
    ['status', 'login()'],
    ['expiresAt', 'createSessions()'],
    ['cookie', 'createSessions()'],
    ['login', 'await session.login(subject)'],
    ['logout', 'await session.logout()'],
    ['flash', "session.flash('name', message)"],
    ['update', 'await session.update('],
    ['__proto__', 'did you mean'],
  ])('refuses an assignment of %s, in sloppy mode too', async (name, cure) => {
    const session = await sessions.load(undefined)
    // A function made so runs in sloppy mode.
    // oxlint-disable-next-line no-implied-eval, typescript/no-implied-eval
    const assign = new Function('session', 'name', 'session[name] = 1') as (session: Session, name: string) => void
    expect(() => assign(session, name)).toThrow(cure)
    expect(() => Object.assign(session, { [name]: 1 })).toThrow(name === '__proto__' ? '' : cure)
    expect(await session.commit()).toEqual({ status: 'unchanged' })
  })

  test('refuses every other way to change the object', async () => {
    const session = await sessions.load(undefined)
    expect(() => Object.defineProperty(session, 'user', { value: 1 })).toThrow('session.data.user')
    expect(() => delete (session as { data?: unknown }).data).toThrow('cannot be deleted')
    expect(() => Object.freeze(session)).toThrow('cannot be frozen')
    expect(() => Object.setPrototypeOf(session, {})).toThrow('cannot be replaced')
  })

  test('prints as handle, status, subject and data, never the secret', async () => {
    const session = await sessions.load(undefined)
    session.data['theme'] = 'dark'
    const { cookieValue } = await session.login('ann')
    const printed = inspect(session)
    expect(printed).toContain(session.handle)
    for (const part of ["status: 'active'", "subject: 'ann'", "data: { theme: 'dark' }"])
      expect(printed).toContain(part)
    for (const text of [
      printed,
      inspect(session, { showProxy: true, showHidden: true, depth: 9 }),
      JSON.stringify(session),
    ])
      expect(text).not.toContain(cookieValue!.slice(28))
    await session.destroy()
    expect(inspect(session)).toContain('session_destroyed')
  })
})

describe('the mark "used"', () => {
  test.each<[string, (session: Session) => unknown]>([
    ['reading a property', (session) => session.subject],
    ['reading one that is not there', (session) => Reflect.get(session, 'user') as unknown],
    ['calling a method', (session) => session.flashed('notice')],
    ['in', (session) => 'data' in session],
    ['spread', (session) => ({ ...session })],
    ['inspect', (session) => inspect(session)],
    ['JSON.stringify', (session) => JSON.stringify(session)],
    ['assigning data', (session) => (session.data = { a: 1 })],
    ['revokeSubject', (session) => sessions.revokeSubject('ann', { except: session }).catch(() => {})],
  ])('is %s', async (_, use) => {
    const session = await sessions.load(undefined)
    expect(bindingOf(session).used).toBe(false)
    await use(session)
    expect(bindingOf(session).used).toBe(true)
  })

  test('is not set by what a binding does, nor by passing the object along', async () => {
    const session = await (async () => sessions.load(undefined))()
    const bound = bindingOf(session)
    const seen = [bound.status, bound.handle, bound.needsCommit, bound.cookieChange, await bound.commit()]
    bound.closeCookie()
    expect(seen).toEqual(['new', undefined, false, undefined, { status: 'unchanged' }])
    expect(await Promise.resolve(session)).toBeDefined()
    expect(bound.used).toBe(false)
  })

  test('is not reset by a logout', async () => {
    const session = await sessions.load(undefined)
    await session.login('ann')
    await session.logout()
    expect(bindingOf(session).used).toBe(true)
  })

  test('reports an event if it is set after a response that a shared cache may store', async () => {
    const late: unknown[] = []
    const lines: string[] = []
    sessions = createSessions({ store: memoryStore(), log: (line) => lines.push(line) })
    sessions.on('uncacheable_late', (event) => late.push(event))
    const session = await sessions.load(undefined)
    bindingOf(session).closeCookie({ shared: true })
    expect(session.subject).toBeUndefined()
    expect(session.status).toBe('new')
    expect(late).toEqual([{}])
    expect(lines).toEqual([expect.stringContaining('private: true')])
    const early = await sessions.load(undefined)
    expect(early.subject).toBeUndefined()
    bindingOf(early).closeCookie({ shared: true })
    expect(early.status).toBe('new')
    expect(late).toHaveLength(1)
  })
})

describe('a session that a binding begins synchronously', () => {
  test('is new, and is closed and used like any other', async () => {
    const session = sessionsBindingOf(sessions).begin!()
    expect([session.status, session.handle, session.data]).toEqual(['new', undefined, {}])
    session.data['n'] = 1
    expect(await session.commit()).toMatchObject({ status: 'created' })
    const closed = sessionsBindingOf(sessions).begin!()
    bindingOf(closed).closeCookie()
    await expect(closed.login('ann')).rejects.toEqual(code('response_started'))
  })

  test('is not available where a schema, which may be asynchronous, makes the data', async () => {
    const schema = {
      '~standard': { version: 1 as const, vendor: 'mine', validate: async () => ({ value: { n: 0 } }) },
    }
    const shaped = createSessions({ store: memoryStore(), schema })
    expect(sessionsBindingOf(shaped).begin).toBeUndefined()
    expect((await sessionsBindingOf(shaped).load([])).data).toEqual({ n: 0 })
  })

  test('asks once, at its first use, whether a shared cache may store its response', async () => {
    let asked = 0
    const late: unknown[] = []
    sessions.on('uncacheable_late', (event) => late.push(event))
    const shared = (): boolean => ++asked > 0
    const session = sessionsBindingOf(sessions).begin!()
    bindingOf(session).closeCookie({ shared })
    bindingOf(session).closeCookie()
    expect([asked, late]).toEqual([0, []])
    void session.status
    void session.status
    expect([asked, late]).toEqual([1, [{}]])
  })
})

describe('an operation that nobody awaits', () => {
  const FAILING: readonly [string, (session: Session) => Promise<unknown>][] = [
    ['login', (session) => session.login('')],
    [
      'update',
      (session) =>
        session.update(() => {
          throw new Error('no')
        }),
    ],
    ['regenerate', (session) => session.regenerate({ keepOldFor: '2m' })],
  ]

  test.each(FAILING)('fails the commit if it fails: %s', async (_, operation) => {
    const session = await sessions.load(undefined)
    const bound = bindingOf(session)
    session.data['n'] = 1
    void operation(session)
    const failure = await bound.commit().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    // Told once; what was pending is still to be written.
    expect(await bound.commit()).toMatchObject({ status: 'created' })
  })

  test.each(FAILING)('fails the commit long after it failed: %s', async (_, operation) => {
    const session = await sessions.load(undefined)
    const bound = bindingOf(session)
    void operation(session)
    // Long enough for Node to end the process, were this an unhandled rejection.
    await new Promise((resolve) => setImmediate(resolve))
    expect(bound.needsCommit).toBe(true)
    await expect(bound.commit()).rejects.toThrow()
    expect(bound.needsCommit).toBe(false)
  })

  test.each(FAILING)('leaves the commit alone if its failure was handled: %s', async (_, operation) => {
    const session = await sessions.load(undefined)
    const bound = bindingOf(session)
    await expect(operation(session)).rejects.toThrow()
    await operation(session).catch(() => {})
    await Promise.allSettled([operation(session)])
    expect(await bound.commit()).toEqual({ status: 'unchanged' })
  })

  test('fails the commit of a logout whose delete the store refused', async () => {
    const store = heldStore()
    sessions = createSessions({ store, log: false })
    const { cookieValue } = await (await sessions.load(undefined)).login('ann')
    const session = await sessions.load(cookieValue)
    const bound = bindingOf(session)
    store.hold('delete')
    void session.logout()
    const commit = bound.commit()
    const refused = commit.catch((error: unknown) => error)
    for (let tries = 0; tries < 2; tries++) {
      await store.pending(1)
      store.failBefore()
    }
    expect(await refused).toEqual(code('store_unavailable'))
    store.flow()
    expect((await sessions.load(cookieValue)).subject).toBe('ann')
  })
})

describe('a callback', () => {
  const callback = (): void => {}
  test.each<[string, (session: Session) => unknown]>([
    ['regenerate', (session) => session.regenerate(callback as never)],
    ['destroy', (session) => (session.destroy as (callback: unknown) => unknown)(callback)],
    ['logout', (session) => (session.logout as (callback: unknown) => unknown)(callback)],
    ['login', (session) => session.login('ann', callback as never)],
    ['commit', (session) => (session.commit as (callback: unknown) => unknown)(callback)],
    ['save', (session) => (session as unknown as { save(callback: unknown): void }).save(callback)],
    ['reload', (session) => (session as unknown as { reload(callback: unknown): void }).reload(callback)],
  ])('is refused at once, and nothing done: %s', async (_, call) => {
    const session = await sessions.load(undefined)
    session.data['n'] = 1
    expect(() => call(session)).toThrow('await')
    expect(session.status).toBe('new')
  })

  test('that is asynchronous is refused by update before it runs', async () => {
    const session = await sessions.load(undefined)
    let runs = 0
    const waiting = async (): Promise<void> => {
      runs++
    }
    await expect(session.update(waiting as () => void)).rejects.toEqual(code('invalid_option'))
    expect(runs).toBe(0)
  })
})

test('bindingOf refuses what is no session, and sessionsBindingOf what is no sessions object', () => {
  expect(() => bindingOf({} as Session)).toThrow(code('invalid_option'))
  expect(() => sessionsBindingOf(undefined as unknown as Sessions)).toThrow('createSessions({ store })')
})
