import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { beforeEach, describe, expect, test } from 'vitest'
import { sessionCookie, type CookieOptions, type PresentHeaders } from './index.ts'

let sessions: Sessions<{ n?: number }>
beforeEach(() => {
  sessions = createSessions<{ n: number }>({ store: memoryStore() })
})

async function created(options?: CookieOptions): Promise<string> {
  const cookie = sessionCookie(sessions, options)
  const session = await cookie.load(undefined)
  session.data.n = 1
  await session.commit()
  return cookie.headers(session)['set-cookie']!.at(-1)!
}

describe('the session cookie', () => {
  test.each<[CookieOptions, RegExp]>([
    [{}, /^__Host-sid=[\w-]{60}; Max-Age=43[12]\d\d; Path=\/; HttpOnly; Secure; SameSite=Lax$/],
    [{ secure: false }, /^sid=[\w-]{60}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ path: '/app' }, /^sid=.*; Path=\/app; HttpOnly; Secure; SameSite=Lax$/],
    [
      { domain: 'example.com', sameSite: 'strict' },
      /^sid=.*; Domain=example\.com; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    ],
    [{ name: 'mine', sameSite: 'none', partitioned: true }, /^mine=.*; HttpOnly; Secure; Partitioned; SameSite=None$/],
  ])('with %j', async (options, expected) => {
    expect(await created(options)).toMatch(expected)
  })

  test.each<[string, CookieOptions]>([
    ['name', { name: 'a b' }],
    ['name', { name: '' }],
    ['secure', { name: '__Host-x', secure: false }],
    ['secure', { name: '__Secure-x', secure: false }],
    ['domain', { name: '__Host-x', domain: 'example.com' }],
    ['path', { name: '__Host-x', path: '/app' }],
    ['path', { path: 'app' }],
    ['path', { path: '/;' }],
    ['domain', { domain: '.example.com' }],
    ['domain', { domain: 'a;b' }],
    ['sameSite', { sameSite: 'none', secure: false }],
    ['sameSite', { sameSite: 'Lax' as 'lax' }],
    ['partitioned', { partitioned: true, secure: false }],
    ['httpOnly', { httpOnly: true } as CookieOptions],
    ['maxAge', { maxAge: 60 } as CookieOptions],
    ['persistent', { persistent: true } as CookieOptions],
    ['samesite', { samesite: 'lax' } as CookieOptions],
    ['formerly', { formerly: { name: 'sid' } } as unknown as CookieOptions],
    ['formerly', { formerly: [undefined] } as unknown as CookieOptions],
    ['formerly\\[0]', { formerly: [{ name: '__Host-sid' }] }],
    ['formerly\\[0]', { formerly: [{}] }],
    ['formerly\\[0]', { name: 'a', domain: 'a.example', path: '/b', formerly: [{ domain: 'A.Example', path: '/b' }] }],
    ['formerly\\[2]', { formerly: [{ name: 'a' }, { name: 'a', path: '/b' }, { name: 'a', path: '/' }] }],
    ['formerly\\[0].domain', { formerly: [{ domain: 'a.example' }] }],
    ['formerly\\[0].domain', { name: 'a', formerly: [{ domain: '.a.example' }] }],
    ['formerly\\[1].path', { formerly: [{ name: 'a' }, { path: '/b' }] }],
    ['formerly\\[0].path', { name: 'a', formerly: [{ path: 'b' }] }],
    ['formerly\\[0].name', { formerly: [{ name: 'a;b' }] }],
    ['secure', { formerly: [{ name: 'a', secure: true }] } as unknown as CookieOptions],
    ['options', { formerly: ['sid'] } as unknown as CookieOptions],
  ])('refuses cookie.%s in %j', (option, options) => {
    expect(() => sessionCookie(sessions, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^(cookie.)?${option} `) }),
    )
  })

  test('of a browser session has no Max-Age', async () => {
    sessions = createSessions({ store: memoryStore(), persistent: false })
    expect(await created()).toMatch(/^__Host-sid=[\w-]{60}; Path=\/;/)
  })

  test('is found among others; of two with its name the first that opens a session counts', async () => {
    const value = /=([\w-]{60})/.exec(await created())![1]!
    const cookie = sessionCookie(sessions)
    for (const header of [
      `__Host-sid=${value}`,
      `a=b; __Host-sid=${value}; c=d`,
      `__Host-sid=${value}; __Host-sid=x`,
      `__Host-sid=x; __Host-sid=${value}`,
    ])
      expect((await cookie.load(header)).status).toBe('active')
    for (const header of [undefined, null, '', 'sid=x', `__Host-sid=x; sid=${value}`])
      expect((await cookie.load(header)).status).toBe('new')
  })

  test('lasts as long as the session can: Max-Age is the time left to the absolute expiry', async () => {
    let now = Date.now()
    sessions = createSessions({ store: memoryStore(), absoluteTimeout: '1h', clock: () => now })
    const cookie = sessionCookie(sessions)
    const session = await cookie.load((await created()).split(';')[0])
    now += 1_200_500
    await session.regenerate()
    expect(cookie.headers(session)['set-cookie']?.at(-1)).toContain('; Max-Age=2399;')
  })

  test('is not sent again if the browser has it', async () => {
    const cookie = sessionCookie(sessions)
    const session = await cookie.load((await created()).split(';')[0])
    session.data.n = 2
    expect((await session.commit()).status).toBe('saved')
    expect(cookie.headers(session)).toEqual({ vary: 'Cookie', 'cache-control': 'private' })
  })

  test('is ignored in a header that is longer than any browser sends, and an event reports the header', async () => {
    const reasons: string[] = []
    sessions.on('rejected', ({ reason }) => reasons.push(reason))
    const value = (await created()).split(';')[0]!
    const session = await sessionCookie(sessions).load(`${value}; ${'x'.repeat(65_536)}`)
    expect([session.status, reasons]).toEqual(['new', ['malformed']])
  })

  test('that is surely absent lets a new session begin synchronously', () => {
    const cookie = sessionCookie(sessions, { secure: false })
    const others = 'a=1; theme=dark'
    for (const header of [undefined, null, '', others]) expect(cookie.beginning(header)!().status).toBe('new')
    for (const header of ['sid=1', 'a=1; sid=2', 'a=1,sid=2', 'a=sid', `a=${'x'.repeat(65_536)}`])
      expect(cookie.beginning(header), header.slice(0, 9)).toBeUndefined()
  })

  test('of an earlier deploy is removed in the response that sets the present cookie, before that cookie', async () => {
    const cookie = sessionCookie(sessions, {
      domain: 'example.com',
      sameSite: 'none',
      formerly: [{}, { name: '__Host-sid' }, { domain: 'www.example.com', path: '/app' }],
    })
    const session = await cookie.load(undefined)
    session.data.n = 1
    await session.commit()
    const forget = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None'
    expect(cookie.headers(session)['set-cookie']).toEqual([
      `sid=; Max-Age=0; Path=/; ${forget}`,
      `__Host-sid=; Max-Age=0; Path=/; ${forget}`,
      `sid=; Max-Age=0; Domain=www.example.com; Path=/app; ${forget}`,
      expect.stringMatching(/^sid=[\w-]{60}; Max-Age=\d+; Domain=example\.com; Path=\/; /),
    ])
  })

  test('is removed with the attributes with which it was set', async () => {
    const options = { path: '/app', domain: 'example.com' }
    const cookie = sessionCookie(sessions, options)
    const session = await cookie.load((await created(options)).split(';')[0])
    await session.logout()
    expect(cookie.headers(session)['set-cookie']?.at(-1)).toBe(
      'sid=; Max-Age=0; Domain=example.com; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax',
    )
  })
})

describe('caching header fields are sent', () => {
  test.each([
    [undefined, undefined, 'Cookie', 'private'],
    ['Accept', 'public, max-age=60', 'Accept, Cookie', 'private, max-age=60'],
    ['cookie', 'no-store', 'cookie', 'no-store'],
    ['*', 'private, s-maxage=9', '*', 'private'],
    ['Accept, COOKIE', 'private="x-a, x-b", max-age=1', 'Accept, COOKIE', 'private, max-age=1'],
    ['', 'community="a, b"', 'Cookie', 'private, community="a, b"'],
  ])('Vary %s and Cache-Control %s', async (vary, control, expectedVary, expectedControl) => {
    const cookie = sessionCookie(sessions)
    const session = await cookie.load(undefined)
    bindingOf(session).markUsed()
    const headers = cookie.headers(session, { vary, 'cache-control': control })
    expect(headers).toEqual({ vary: expectedVary, 'cache-control': expectedControl })
  })

  test('only if the session was used', async () => {
    const cookie = sessionCookie(sessions)
    const session = await cookie.load((await created()).split(';')[0])
    expect(cookie.headers(session, { vary: 'Accept', 'cache-control': 'public' })).toEqual({})
    expect(session.data).toEqual({ n: 1 })
    expect(cookie.headers(session)).toEqual({ vary: 'Cookie', 'cache-control': 'private' })
  })

  test.each<[number, string, PresentHeaders]>([
    [1, 'GET', {}],
    [1, 'HEAD', { vary: 'Accept', 'cache-control': 'public, max-age=60' }],
    [1, 'GET', { 'cache-control': 'private="x-a"' }],
    [0, 'POST', {}],
    [0, 'GET', { 'cache-control': 'max-age=1, Private' }],
    [0, 'GET', { 'cache-control': 'no-store' }],
    [0, 'GET', { vary: 'Accept, Cookie' }],
    [0, 'GET', { vary: '*' }],
  ])('%i reports of a first use after the head of %s %j has left', async (reports, method, sent) => {
    let told = 0
    sessions.on('uncacheable_late', () => told++)
    const cookie = sessionCookie(sessions)
    const session = await cookie.load(undefined)
    cookie.headLeft(session, method, sent)
    expect([session.status, session.subject, told]).toEqual(['new', undefined, reports])
  })

  test('with a Set-Cookie, then no-store too', async () => {
    const cookie = sessionCookie(sessions)
    const session = await cookie.load(undefined)
    session.data.n = 1
    await session.commit()
    const control = (present?: string): string | undefined =>
      cookie.headers(session, { 'cache-control': present })['cache-control']
    expect([control(), control('public, max-age=9'), control('no-store')]).toEqual([
      'private, no-store',
      'private, max-age=9, no-store',
      'no-store',
    ])
  })
})
