import { beforeEach, describe, expect, test } from 'vitest'
import { heldStore, type HeldStore } from '../test/held-store.ts'
import { createSessions, type Session, type Sessions, type SessionsOptions } from './index.ts'
import { bindingOf } from './binding.ts'

interface Data {
  a: number
  b: number
  n: number
}
type Mine = Session<Partial<Data>>

let store: HeldStore
let sessions: Sessions<Partial<Data>>
/** Those of another process. */
let elsewhere: Sessions<Partial<Data>>
let now: number
let events: string[]

function start(options: Partial<SessionsOptions<Data>> = {}): void {
  ;[sessions, elsewhere] = [1, 2].map(() => createSessions<Data>({ store, clock: () => now, ...options })) as [
    Sessions<Partial<Data>>,
    Sessions<Partial<Data>>,
  ]
  for (const name of ['created', 'rejected', 'conflict', 'rotated', 'login', 'logout', 'revoked'] as const)
    for (const process of [sessions, elsewhere]) process.on(name, () => events.push(name))
}

beforeEach(() => {
  now = 1_800_000_000_000
  events = []
  store = heldStore()
  start()
})

/** Two requests to two processes that carry the same cookie, both loaded. */
async function pair(data: Partial<Data> = { n: 0 }): Promise<[Mine, Mine, string]> {
  const session = await sessions.load(undefined)
  Object.assign(session.data, data)
  const { cookieValue } = await session.commit()
  return [await sessions.load(cookieValue), await elsewhere.load(cookieValue), cookieValue!]
}

async function dataOf(cookieValue: string | undefined): Promise<Partial<Data>> {
  return (await sessions.load(cookieValue)).data
}

describe('two requests write', () => {
  test('different keys: both changes survive, deletions too, and each session sees the other’s', async () => {
    const [one, two, cookie] = await pair({ a: 1, n: 0 })
    delete one.data.a
    two.data.b = 2
    expect([await one.commit(), await two.commit()]).toEqual([{ status: 'saved' }, { status: 'saved' }])
    expect([await dataOf(cookie), two.data]).toEqual([
      { b: 2, n: 0 },
      { b: 2, n: 0 },
    ])
    expect(events).not.toContain('conflict')
  })

  test('the same key: the last writer wins, and a conflict event reports it', async () => {
    const [one, two, cookie] = await pair()
    one.data.n = 1
    two.data.n = 2
    await one.commit()
    await two.commit()
    expect([await dataOf(cookie), events.filter((name) => name === 'conflict')]).toEqual([{ n: 2 }, ['conflict']])
  })

  test('the same key to the same value: no conflict', async () => {
    const [one, two] = await pair()
    one.data.n = two.data.n = 1
    await one.commit()
    await two.commit()
    expect(events).not.toContain('conflict')
  })

  test('the same key, which one request changes and the other deletes: a conflict', async () => {
    const [one, two, cookie] = await pair()
    delete one.data.n
    two.data.n = 5
    await one.commit()
    await two.commit()
    expect([await dataOf(cookie), events.includes('conflict')]).toEqual([{ n: 5 }, true])
  })

  test('the same key with onConflict throw: an error that names the key, and nothing is written', async () => {
    start({ onConflict: 'throw' })
    const [one, two, cookie] = await pair()
    one.data.n = 1
    two.data.n = 2
    await one.commit()
    await expect(two.commit()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('data.n') })
    expect(await dataOf(cookie)).toEqual({ n: 1 })
  })

  test('the same key with onConflict as a function: its value is kept', async () => {
    start({ onConflict: ({ base, mine, theirs }) => (theirs as number) + (mine as number) - (base as number) })
    const [one, two, cookie] = await pair({ n: 10 })
    one.data.n = 11
    two.data.n = 12
    await one.commit()
    await two.commit()
    expect([await dataOf(cookie), two.data]).toEqual([{ n: 13 }, { n: 13 }])
  })

  test('by update: every update counts, and no conflict is reported', async () => {
    const [, , cookie] = await pair()
    const requests = await Promise.all(Array.from({ length: 8 }, () => sessions.load(cookie)))
    const outcomes = await Promise.all(
      requests.map((session) => session.update((data) => void (data.n = (data.n ?? 0) + 1))),
    )
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['saved']))
    expect([await dataOf(cookie), events.includes('conflict')]).toEqual([{ n: 8 }, false])
  })

  test('without end: the write gives up after a bound of tries with an error', async () => {
    const [, , cookie] = await pair()
    let tries = 0
    const replace = async (): Promise<'conflict'> => (tries++, 'conflict')
    const losing = new Proxy(store, {
      get: (target, name) => (name === 'replace' ? replace : Reflect.get(target, name)),
    })
    const session = await createSessions<Data>({ store: losing, clock: () => now, storeTimeout: '100ms' }).load(cookie)
    session.data.a = 1
    await expect(session.commit()).rejects.toMatchObject({ code: 'conflict' })
    expect(tries).toBeGreaterThan(2)
    expect(await dataOf(cookie)).toEqual({ n: 0 })
  })
})

describe('requests of one process write the same session', () => {
  const load = (cookie: string, count: number): Promise<Mine[]> =>
    Promise.all(Array.from({ length: count }, () => sessions.load(cookie)))
  const count = (data: Partial<Data>): void => void (data.n = (data.n ?? 0) + 1)

  test('however many do so at once, each write counts and takes one call', async () => {
    const [, , cookie] = await pair()
    const requests = await load(cookie, 200)
    const outcomes = await Promise.all(requests.map((session) => session.update(count)))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['saved']))
    expect([await dataOf(cookie), store.called('replace')]).toEqual([{ n: 200 }, 200])
  })

  test('a hundred requests in each of two processes: each write counts', async () => {
    const [, , cookie] = await pair()
    const requests = [
      ...(await load(cookie, 100)),
      ...(await Promise.all(Array.from({ length: 100 }, () => elsewhere.load(cookie)))),
    ]
    await Promise.all(requests.map((session) => session.update(count)))
    expect(await dataOf(cookie)).toEqual({ n: 200 })
  })

  test('a waiting update checks its secret again: after a rotation it writes nothing and its function does not run', async () => {
    const [, , cookie] = await pair()
    const [one, two] = await load(cookie, 2)
    store.hold('replace')
    const rotation = one!.regenerate()
    await store.pending(1)
    let ran = 0
    const update = two!.update((data) => (ran++, count(data)))
    store.flow()
    const { cookieValue } = await rotation
    expect([await update, ran, await dataOf(cookieValue)]).toEqual([{ status: 'superseded' }, 0, { n: 0 }])
  })

  test('an outage at one write fails the waiting writes without a call; the next write succeeds', async () => {
    const [, , cookie] = await pair()
    const requests = await load(cookie, 4)
    store.hold('replace')
    const updates = Promise.allSettled(requests.map((session) => session.update(count)))
    await store.pending(1)
    store.failBefore()
    await store.pending(1)
    store.failBefore()
    const unavailable = {
      status: 'rejected',
      reason: expect.objectContaining({ code: 'store_unavailable' }) as unknown,
    }
    expect(await updates).toEqual(requests.map(() => unavailable))
    expect(store.called('replace')).toBe(2)
    store.flow()
    expect(await requests[3]!.update(count)).toEqual({ status: 'saved' })
  })

  test('a logout waits for no writer, and the waiting writes answer "gone"', async () => {
    const [, , cookie] = await pair()
    const [one, two, three] = await load(cookie, 3)
    store.hold('replace')
    const updates = [one!.update(count), two!.update(count)]
    await store.pending(1)
    await three!.logout()
    store.flow()
    expect(await Promise.all(updates)).toEqual([{ status: 'gone' }, { status: 'gone' }])
  })

  test('a write that waits in vain rejects after twice storeTimeout, and has written nothing', async () => {
    start({ storeTimeout: '500ms' })
    const [, , cookie] = await pair()
    const [one, two] = await load(cookie, 2)
    store.hold('replace', 'read')
    const updates = await Promise.allSettled([one!.update(count), two!.update(count)])
    expect(updates).toMatchObject([
      { reason: { code: 'unknown_outcome' } },
      { reason: { code: expect.stringMatching(/conflict|unknown_outcome/) as string } },
    ])
    store.flow()
    expect((await dataOf(cookie)).n).toBeLessThan(2)
  })
})

describe('what a request changes while its commit is under way', () => {
  test('stays pending, and the next commit writes it', async () => {
    const [one, , cookie] = await pair()
    store.hold('replace')
    one.data.a = 1
    const commit = one.commit()
    await store.pending(1)
    one.data.b = 2
    store.flow()
    await commit
    expect([await dataOf(cookie), one.data]).toEqual([
      { a: 1, n: 0 },
      { a: 1, b: 2, n: 0 },
    ])
    expect(await one.commit()).toEqual({ status: 'saved' })
    expect(await dataOf(cookie)).toEqual({ a: 1, b: 2, n: 0 })
  })

  test('two commits at once run one after the other', async () => {
    const [one, , cookie] = await pair()
    one.data.a = 1
    const first = one.commit()
    one.data.b = 2
    expect([await first, await one.commit()].map(({ status }) => status)).toContain('saved')
    expect(await dataOf(cookie)).toEqual({ a: 1, b: 2, n: 0 })
  })
})

describe('logout wins', () => {
  test.each(['commit', 'update', 'regenerate', 'touch'] as const)(
    'over a %s that is sent before and arrives after',
    async (operation) => {
      const [one, two, cookie] = await pair()
      store.hold('replace', 'touch')
      if (operation === 'touch') now += 600_000
      if (operation === 'commit') one.data.a = 1
      const late =
        operation === 'update'
          ? one.update((data) => void (data.n = 9))
          : operation === 'regenerate'
            ? one.regenerate()
            : one.commit()
      await store.pending(1)
      await two.logout()
      store.flow()
      expect(await late).toEqual({ status: 'gone' })
      expect([
        one.status,
        bindingOf(one).cookieChange,
        (await sessions.load(cookie)).status,
        store.records.size,
      ]).toEqual(['destroyed', undefined, 'new', 0])
    },
  )

  test('over a replace whose answer was lost, and that arrives after it', async () => {
    const [one, two, cookie] = await pair()
    store.hold('replace')
    one.data.a = 1
    const commit = one.commit()
    await store.pending(1)
    const late = store.failLate()
    await store.pending(1)
    await two.logout()
    store.flow()
    expect(await commit).toEqual({ status: 'gone' })
    store.land(late)
    expect([(await sessions.load(cookie)).status, store.records.size]).toEqual(['new', 0])
  })

  test('over a login in flight: the old record does not come back, and the sign-in stands', async () => {
    const [one, two, cookie] = await pair()
    store.hold('replace')
    const login = one.login('ann')
    await store.pending(1)
    await two.logout()
    store.flow()
    const { cookieValue } = await login
    expect([(await sessions.load(cookie)).status, (await sessions.load(cookieValue)).subject]).toEqual(['new', 'ann'])
  })
})

describe('a write whose answer is lost', () => {
  test('is retried once, and counts once', async () => {
    const [one, , cookie] = await pair()
    store.hold('replace')
    const update = one.update((data) => void (data.n = (data.n ?? 0) + 1))
    await store.pending(1)
    store.failAfter()
    await store.pending(1)
    store.flow()
    expect(await update).toEqual({ status: 'saved' })
    expect(await dataOf(cookie)).toEqual({ n: 1 })
  })

  test('counts once when another writer came between', async () => {
    const [one, two, cookie] = await pair()
    store.hold('replace')
    const update = one.update((data) => void (data.n = (data.n ?? 0) + 1))
    await store.pending(1)
    store.failAfter()
    await store.pending(1)
    const other = two.update((data) => void (data.n = (data.n ?? 0) + 10))
    const [, theirs] = await store.pending(2)
    store.hold()
    store.release(theirs)
    store.flow()
    expect([await update, await other]).toEqual([{ status: 'saved' }, { status: 'saved' }])
    expect(await dataOf(cookie)).toEqual({ n: 11 })
  })

  test('twice has an unknown outcome, which the next commit settles without writing twice', async () => {
    const [one, , cookie] = await pair()
    store.hold('replace')
    one.data.a = 1
    const commit = one.commit()
    await store.pending(1)
    store.failAfter()
    await store.pending(1)
    store.failAfter()
    await expect(commit).rejects.toMatchObject({ code: 'unknown_outcome' })
    store.flow()
    const before = store.called('replace')
    expect(await one.commit()).toEqual({ status: 'saved' })
    expect([store.called('replace') - before, await dataOf(cookie), one.data]).toEqual([
      0,
      { a: 1, n: 0 },
      { a: 1, n: 0 },
    ])
  })

  test('and that was never applied is applied by the commit that settles it', async () => {
    const [one, , cookie] = await pair()
    store.hold('replace')
    one.data.a = 1
    const commit = one.commit()
    for (const tries of [1, 2]) {
      await store.pending(1)
      store.failBefore(0, new Error(`reset ${tries}`))
    }
    await expect(commit).rejects.toMatchObject({ code: 'unknown_outcome' })
    store.flow()
    expect([await one.commit(), await dataOf(cookie)]).toEqual([{ status: 'saved' }, { a: 1, n: 0 }])
  })

  test('and that more than eight other writes followed is never applied again', async () => {
    const [one, two, cookie] = await pair()
    store.hold('replace')
    const update = one.update((data) => void (data.n = (data.n ?? 0) + 1))
    await store.pending(1)
    store.failAfter()
    await store.pending(1)
    store.failBefore(0, new Error('reset'))
    await expect(update).rejects.toMatchObject({ code: 'unknown_outcome' })
    store.flow()
    for (let i = 0; i < 9; i++) await two.update((data) => void (data.n = (data.n ?? 0) + 10))
    await expect(one.commit()).rejects.toMatchObject({
      code: 'unknown_outcome',
      message: expect.stringContaining('not sent again'),
    })
    expect([await one.commit(), await dataOf(cookie)]).toEqual([{ status: 'unchanged' }, { n: 91 }])
  })

  test('and that was a create is retried under a new key; the first record may land late, and no cookie opens it', async () => {
    const session = await sessions.load(undefined)
    session.data.n = 1
    store.hold('create')
    const commit = session.commit()
    await store.pending(1)
    const late = store.failLate()
    const [second] = await store.pending(1)
    expect(second.step.method === 'create' && second.step.key).not.toEqual(
      late.step.method === 'create' && late.step.key,
    )
    store.flow()
    const { cookieValue } = await commit
    await (await sessions.load(cookieValue)).logout()
    store.land(late)
    expect([(await sessions.load(cookieValue)).status, store.records.size]).toEqual(['new', 1])
  })
})

describe('an outage of the store', () => {
  test('at load rejects: nobody is signed out', async () => {
    const [, , cookie] = await pair()
    store.hold('read')
    const load = sessions.load(cookie)
    await store.pending(1)
    store.failBefore(0, new Error('ECONNREFUSED'))
    await expect(load).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: expect.objectContaining({ message: 'ECONNREFUSED' }),
    })
  })

  test('at a write leads to one retry, then to an error; the next commit has the changes', async () => {
    const [one, , cookie] = await pair()
    one.data.a = 1
    store.hold('replace')
    const commit = one.commit()
    for (const _ of [1, 2]) {
      await store.pending(1)
      store.failBefore()
    }
    await expect(commit).rejects.toMatchObject({ code: 'store_unavailable' })
    store.flow()
    expect([await one.commit(), await dataOf(cookie)]).toEqual([{ status: 'saved' }, { a: 1, n: 0 }])
  })

  test('that leaves a call without an answer ends by storeTimeout', async () => {
    start({ storeTimeout: '20ms' })
    const [, , cookie] = await pair()
    store.hold('read')
    await expect(sessions.load(cookie)).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: expect.objectContaining({ message: expect.stringContaining('storeTimeout') }),
    })
  })
})

describe('rotation', () => {
  test('twice at once has one winner; the loser’s outcome is superseded and sets no cookie', async () => {
    const [one, two, cookie] = await pair()
    const [first, second] = await Promise.all([one.regenerate(), two.regenerate()])
    expect([first.status, second, bindingOf(two).cookieChange]).toEqual(['saved', { status: 'superseded' }, undefined])
    expect([(await sessions.load(cookie)).status, (await sessions.load(first.cookieValue)).data]).toEqual([
      'superseded',
      { n: 0 },
    ])
  })

  test('makes a write that is in flight across it superseded, and the write is not applied', async () => {
    const [one, two] = await pair()
    store.hold('replace')
    let ran = 0
    const update = one.update((data) => void ((data.n = 5), ran++))
    const [write] = await store.pending(1)
    const rotation = two.regenerate()
    const [, theirs] = await store.pending(2)
    store.release(theirs)
    await rotation
    store.release(write)
    expect([await update, ran]).toEqual([{ status: 'superseded' }, 1])
  })

  test('keeps the old secret for a window, in which it reads, writes and ends the session but never rotates', async () => {
    const [one, two, cookie] = await pair()
    const { cookieValue } = await one.regenerate({ keepOldFor: '10s' })
    two.data.a = 1
    expect(await two.commit()).toEqual({ status: 'saved' })
    expect(await (await sessions.load(cookie)).regenerate()).toEqual({ status: 'unchanged' })
    now += 9_999
    expect((await sessions.load(cookie)).data).toEqual({ a: 1, n: 0 })
    const late = await sessions.load(cookie)
    now += 1
    late.data.b = 1
    expect([await late.commit(), (await sessions.load(cookie)).status]).toEqual([
      { status: 'superseded' },
      'superseded',
    ])
    now += 59_999
    expect((await sessions.load(cookie)).status).toBe('superseded')
    now += 1
    expect([(await sessions.load(cookie)).status, (await sessions.load(cookieValue)).status]).toEqual(['new', 'active'])
  })

  test('checks the end of the window again before a retry of a write', async () => {
    const [one, , cookie] = await pair()
    await one.regenerate({ keepOldFor: '10s' })
    const two = await sessions.load(cookie)
    two.data.a = 1
    store.hold('replace')
    const commit = two.commit()
    await store.pending(1)
    now += 10_000
    store.failBefore(0, new Error('reset'))
    await expect(commit).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(store.waiting.length).toBe(0)
    expect((await sessions.load(cookie)).status).toBe('superseded')
  })

  test('ends the windows of earlier rotations; both old secrets are superseded', async () => {
    const [one, , first] = await pair()
    const { cookieValue: second } = await one.regenerate({ keepOldFor: '60s' })
    const { cookieValue: third } = await (await sessions.load(second)).regenerate()
    expect((await sessions.load(first)).status).toBe('superseded')
    expect((await sessions.load(second)).status).toBe('superseded')
    expect((await sessions.load(third)).status).toBe('active')
  })

  test('accepts the old secret at no time after its window, even by a slow clock', async () => {
    const [one, , first] = await pair()
    const begin = now
    const { cookieValue: second } = await one.regenerate({ keepOldFor: '10s' })
    now = begin + 10_000
    await (await sessions.load(second)).update((data) => void (data.a = 1))
    now = begin + 9_000
    expect((await sessions.load(first)).status).toBe('superseded')
    await (await sessions.load(second)).regenerate()
    now = begin - 3_600_000
    expect([(await sessions.load(first)).status, (await sessions.load(second!)).status]).toEqual(
      Array(2).fill('superseded'),
    )
  })

  test('by a slow clock does not shorten the time for which earlier secrets are known as superseded', async () => {
    const [one, , first] = await pair()
    const { cookieValue: second } = await one.regenerate()
    now -= 50_000
    const { cookieValue: third } = await (await sessions.load(second)).regenerate()
    now += 109_999
    expect([(await sessions.load(first)).status, (await sessions.load(third)).status]).toEqual(['superseded', 'active'])
  })

  test('changes neither the key nor the absolute clock', async () => {
    const [one] = await pair()
    const { handle, createdAt } = one
    now += 1_000_000
    await one.regenerate()
    expect([one.handle, one.createdAt]).toEqual([handle, createdAt])
  })

  test('writes the pending changes of its request', async () => {
    const [one] = await pair()
    one.data.a = 1
    const { cookieValue } = await one.regenerate()
    expect(await dataOf(cookieValue)).toEqual({ a: 1, n: 0 })
  })
})

describe('login from an anonymous session', () => {
  test('cannot be fixated: the old secret opens no session', async () => {
    const [one, , cookie] = await pair()
    const { cookieValue } = await one.login('ann')
    expect(cookieValue!.slice(0, 28)).not.toBe(cookie.slice(0, 28))
    const old = await sessions.load(cookie)
    expect([old.status, old.subject, old.data]).toEqual(['superseded', undefined, {}])
  })

  test('carries along what another request wrote meanwhile', async () => {
    const [one, two] = await pair()
    store.hold('replace')
    one.data.a = 1
    const login = one.login('ann')
    const [marker] = await store.pending(1)
    two.data.b = 2
    const commit = two.commit()
    const [, theirs] = await store.pending(2)
    store.release(theirs)
    expect(await commit).toEqual({ status: 'saved' })
    store.release(marker)
    store.flow()
    const { cookieValue } = await login
    expect([await dataOf(cookieValue), one.data]).toEqual([
      { a: 1, b: 2, n: 0 },
      { a: 1, b: 2, n: 0 },
    ])
  })

  test('leaves a later write under the old secret superseded and unapplied', async () => {
    const [one, two] = await pair()
    await one.login('ann')
    two.data.b = 2
    expect([await two.commit(), bindingOf(two).cookieChange]).toEqual([{ status: 'superseded' }, undefined])
  })

  test('twice at once: both end signed in, with the cart', async () => {
    const [one, two] = await pair({ a: 1 })
    const logins = await Promise.all([one.login('ann'), two.login('ann')])
    for (const { status, cookieValue } of logins) {
      const session = await sessions.load(cookieValue)
      expect([status, session.subject, session.data]).toEqual(['created', 'ann', { a: 1 }])
    }
  })

  test('from a marker takes its data only with a secret that was valid when it was made', async () => {
    const [one, two, cookie] = await pair({ a: 1 })
    await two.regenerate()
    const late = await sessions.load(cookie)
    await two.login('ann')
    expect(late.status).toBe('superseded')
    await late.login('bob')
    expect(late.data).toEqual({})
    expect(one.status).toBe('active')
    const { cookieValue } = await one.login('bob')
    expect((await sessions.load(cookieValue)).subject).toBe('bob')
  })

  test('whose marker cannot be written still ends signed in, and reports the failure', async () => {
    const [one] = await pair()
    const errors: string[] = []
    sessions.on('error', ({ operation }) => errors.push(operation))
    store.hold('replace')
    const login = one.login('ann')
    for (const _ of [1, 2]) {
      await store.pending(1)
      store.failBefore()
    }
    const { cookieValue } = await login
    expect([(await sessions.load(cookieValue)).subject, errors.at(-1)]).toEqual(['ann', 'login: mark'])
  })

  test('whose create fails throws and signs nobody in', async () => {
    const [one, , cookie] = await pair()
    store.hold('create')
    const login = one.login('ann')
    for (const _ of [1, 2]) {
      await store.pending(1)
      store.failBefore()
    }
    await expect(login).rejects.toMatchObject({ code: 'store_unavailable' })
    store.flow()
    expect([one.subject, (await sessions.load(cookie)).status]).toEqual([undefined, 'active'])
  })
})

describe('login as the same subject again', () => {
  test('is one replace; if another login rotated the secret meanwhile, it creates a session of its own with a copy of the data', async () => {
    const anonymous = await sessions.load(undefined)
    anonymous.data.a = 1
    const { cookieValue } = await anonymous.login('ann')
    const [one, two] = [await sessions.load(cookieValue), await sessions.load(cookieValue)]
    const [first, second] = await Promise.all([one.login('ann'), two.login('ann')])
    expect([first.status, second.status]).toEqual(['saved', 'created'])
    for (const outcome of [first, second]) {
      const session = await sessions.load(outcome.cookieValue)
      expect([session.subject, session.data]).toEqual(['ann', { a: 1 }])
    }
  })

  test('whose record is gone creates a new session without data', async () => {
    const anonymous = await sessions.load(undefined)
    anonymous.data.a = 1
    const { cookieValue } = await anonymous.login('ann')
    const session = await sessions.load(cookieValue)
    await sessions.revokeSubject('ann')
    expect(await session.login('ann')).toMatchObject({ status: 'created' })
    expect(session.data).toEqual({})
  })
})
