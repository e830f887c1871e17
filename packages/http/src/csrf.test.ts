import { createSessions, memoryStore, SessError, type Session, type SessionStore } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { beforeEach, expect, test } from 'vitest'
import { csrfToken, isCsrfToken, withSession } from './index.ts'

const time = { now: 1_800_000_000_000 }
let calls: string[]
/** How many creates fail. */
let failing = 0
let sessions = made()

function made() {
  calls = []
  const store = new Proxy<SessionStore>(memoryStore(), {
    get(target, name: keyof SessionStore) {
      const member = target[name]
      if (typeof member !== 'function') return member
      return (...given: never[]) => {
        calls.push(name)
        if (name === 'create' && failing-- > 0) throw new SessError('store_unavailable', 'not there')
        return (member as (...rest: never[]) => unknown).apply(target, given)
      }
    },
  })
  return createSessions<{ cart: string[] }>({ store, clock: () => time.now, log: false, sweepEvery: false })
}

beforeEach(() => void (sessions = made()))

/** One request: loads, acts, commits. @returns The cookie that the browser has afterwards, and what the act gave. */
async function visit<T>(
  cookie: string | undefined,
  act: (session: Session<{ cart?: string[] }>) => T,
): Promise<[cookie: string, given: Awaited<T>]> {
  const session = await sessions.load(cookie)
  const given = await act(session)
  const { cookieValue } = await session.commit()
  return [cookieValue ?? cookie!, given]
}

const accepts = async (cookie: string, token: unknown): Promise<boolean> =>
  isCsrfToken(await sessions.load(cookie), token)

test('a session accepts its token as often as the token is sent', async () => {
  const [cookie, token] = await visit(undefined, (session) => session.login('ann').then(() => csrfToken(session)))
  expect(token).toMatch(/^[\w-]{64}$/)
  for (let i = 0; i < 2; i++) expect(await accepts(cookie, token)).toBe(true)
})

test('no two tokens of a session are equal, and the session accepts all of them', async () => {
  const [cookie, tokens] = await visit(undefined, (session) => Array.from({ length: 50 }, () => csrfToken(session)))
  // No position of the text is the same in all: nothing that is guessed piece by piece stands still.
  for (let at = 0; at < 64; at++) expect(new Set(tokens.map((token) => token[at])).size).toBeGreaterThan(1)
  for (const token of tokens) expect(await accepts(cookie, token)).toBe(true)
})

test('a session accepts no other value of any type', async () => {
  const [cookie, token] = await visit(undefined, csrfToken)
  const changed = Array.from(token, (char, i) => token.slice(0, i) + (char === 'A' ? 'B' : 'A') + token.slice(i + 1))
  const others = ['', token.slice(1), `${token}A`, ` ${token.slice(1)}`, token.toUpperCase(), 'A'.repeat(64)]
  for (const sent of [...changed, ...others, undefined, null, 0, true, {}, [token], Buffer.from(token)])
    expect(await accepts(cookie, sent)).toBe(false)
})

test('a session refuses the token of another session, even of the same user', async () => {
  const [mine] = await visit(undefined, (session) => session.login('ann'))
  for (const subject of ['ann', 'bob']) {
    const [, theirs] = await visit(undefined, (session) => session.login(subject).then(() => csrfToken(session)))
    expect(await accepts(mine, theirs)).toBe(false)
  }
})

test('after a sign-in a token from before it is refused, so an attacker who planted the session has none', async () => {
  const [planted, known] = await visit(undefined, csrfToken)
  expect(await accepts(planted, known)).toBe(true)
  const [signedIn] = await visit(planted, (session) => session.login('ann'))
  expect(await accepts(signedIn, known)).toBe(false)
  // The old cookie is that of a session that has moved on.
  expect(await accepts(planted, known)).toBe(false)

  const [cookie, [before, behind]] = await visit(undefined, async (session) => {
    const early = csrfToken(session)
    await session.login('ann')
    return [early, csrfToken(session)]
  })
  expect([await accepts(cookie, before), await accepts(cookie, behind)]).toEqual([false, true])

  const [again] = await visit(cookie, (session) => session.login('ann'))
  expect(await accepts(again, behind)).toBe(false)
})

test('tokens of a rotated secret are accepted as long as keepOldFor says', async () => {
  const [first, old] = await visit(undefined, csrfToken)
  const [second] = await visit(first, (session) => session.regenerate())
  expect([await accepts(first, old), await accepts(second, old)]).toEqual([false, false])

  const [, opened] = await visit(second, csrfToken)
  const [third] = await visit(second, (session) => session.regenerate({ keepOldFor: '10s' }))
  // A form that was open in another tab, sent with the new cookie or with the old one.
  expect([await accepts(third, opened), await accepts(second, opened)]).toEqual([true, true])
  // What a request with the old secret is given holds for longer than that secret.
  const [, late] = await visit(second, csrfToken)
  time.now += 10_000
  expect([await accepts(third, opened), await accepts(second, opened), await accepts(third, late)]).toEqual([
    false,
    false,
    true,
  ])
})

test('the token of a request whose session is superseded, ended or expired is accepted by no session', async () => {
  const [old] = await visit(undefined, csrfToken)
  const [cookie] = await visit(old, (session) => session.login('ann'))
  const superseded = await sessions.load(old)
  expect(superseded.status).toBe('superseded')
  const token = csrfToken(superseded)
  expect([isCsrfToken(superseded, token), await accepts(cookie, token), await accepts(old, token)]).toEqual([
    false,
    false,
    false,
  ])
  expect((await superseded.commit()).status).toBe('superseded')

  const gone = await sessions.load(cookie)
  const [, valid] = await visit(cookie, csrfToken)
  await sessions.revokeSubject('ann')
  expect(await accepts(cookie, valid)).toBe(false)
  gone.data.cart = []
  expect((await gone.commit()).status).toBe('gone')
  expect(isCsrfToken(gone, csrfToken(gone))).toBe(false)
  await gone.destroy()
  expect(() => csrfToken(gone)).toThrow(expect.objectContaining({ code: 'session_destroyed' }))
})

test('a sign-out ends the tokens; the empty session after it has its own tokens', async () => {
  const [cookie, [before, behind]] = await visit(undefined, async (session) => {
    await session.login('ann')
    const mine = csrfToken(session)
    await session.logout()
    return [mine, csrfToken(session)]
  })
  expect([await accepts(cookie, before), await accepts(cookie, behind)]).toEqual([false, true])
})

test('csrfToken of a new session makes its commit create the session once, with its other data', async () => {
  const empty = await sessions.load(undefined)
  const token = csrfToken(empty)
  expect([calls, bindingOf(empty).needsCommit, empty.status]).toEqual([[], true, 'new'])
  const { status, cookieValue } = await empty.commit()
  expect([status, calls, isCsrfToken(empty, token)]).toEqual(['created', ['create'], true])
  expect((await empty.commit()).status).toBe('unchanged')

  for (const change of [
    (session: Session<{ cart?: string[] }>) => void (session.data.cart = ['book']),
    (session: Session<{ cart?: string[] }>) => session.update((data) => void (data.cart = ['book'])),
  ]) {
    calls = []
    const [cookie, given] = await visit(undefined, (session) => {
      const early = csrfToken(session)
      return Promise.resolve(change(session)).then(() => early)
    })
    expect(calls).toEqual(['create'])
    expect(await accepts(cookie, given)).toBe(true)
  }
  calls = []
  // One read, as every request; no write.
  expect([await accepts(cookieValue!, token), calls]).toEqual([true, ['read']])
  const session = await sessions.load(cookieValue)
  csrfToken(session)
  expect([(await session.commit()).status, calls]).toEqual(['unchanged', ['read', 'read']])
})

test('isCsrfToken of a new session does not create it', async () => {
  const session = await sessions.load(undefined)
  expect(isCsrfToken(session, 'A'.repeat(64))).toBe(false)
  expect([(await session.commit()).status, calls]).toEqual(['unchanged', []])
})

test('a new session that can no longer have a cookie has no token', async () => {
  const session = await sessions.load(undefined)
  bindingOf(session).closeCookie()
  expect(() => csrfToken(session)).toThrow(expect.objectContaining({ code: 'response_started' }))
  expect((await session.commit()).status).toBe('unchanged')
})

test('after a failed create the next commit creates the session, and its token is accepted', async () => {
  const session = await sessions.load(undefined)
  const token = csrfToken(session)
  failing = 2
  await expect(session.commit()).rejects.toMatchObject({ code: 'store_unavailable' })
  const { cookieValue } = await session.commit()
  expect(await accepts(cookieValue!, token)).toBe(true)
})

test('csrfToken and isCsrfToken count as use of the session, so that no shared cache keeps the page', async () => {
  for (const use of [csrfToken, (session: Session<object>) => String(isCsrfToken(session, ''))]) {
    const response = await withSession(
      sessions,
      (_request, session) => new Response(use(session)),
    )(new Request('https://shop.example/'))
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(response.headers.get('cache-control')).toMatch(/^private/)
  }
})

test('anything but a session is refused', () => {
  for (const wrong of [undefined, {}, 'text']) {
    const code = expect.objectContaining({ code: 'invalid_option' })
    expect(() => csrfToken(wrong as never)).toThrow(code)
    expect(() => isCsrfToken(wrong as never, '')).toThrow(code)
  }
})
