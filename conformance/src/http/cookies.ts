import assert from 'node:assert/strict'
import { eventually, fields, row, text } from './app.ts'
import type { Answer } from './client.ts'
import type { HttpCase } from './contract.ts'
import type { Session } from '@sess/core'

const look = (session: Session): ReturnType<typeof text> =>
  text(JSON.stringify([session.status, session.subject ?? null, session.data]))

const write = (session: Session): ReturnType<typeof text> => {
  session.data['n'] = 2
  return look(session)
}

const FORMERLY = [{ path: '/app' }, { name: '__Host-old' }, { name: 'old', domain: 'shop.example' }]
const FORGET = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly;'
/** The Set-Cookie fields that remove the cookies of `FORMERLY`. */
const FORGOTTEN = [
  `sid=; Max-Age=0; Path=/app; ${FORGET} SameSite=Lax`,
  `__Host-old=; Max-Age=0; Path=/; ${FORGET} Secure; SameSite=Lax`,
  `old=; Max-Age=0; Domain=shop.example; Path=/; ${FORGET} SameSite=Lax`,
]

const UNKNOWN = 'u'.repeat(60)

/** Rows on the cookies of requests, and on the cookies that a binding sets. */
export const cookieCases: readonly HttpCase[] = [
  row(
    'cookie/new',
    'a session that is made has its cookie, on an answer that nobody stores; the next request finds it',
    write,
    async ({ get }) => {
      const answer = await get()
      assert.match(answer.cookies[0] ?? '', /^sid=[\w-]{60}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
      assert.deepEqual(fields(answer), ['Cookie', 'private, no-store', 1])
      const again = await get('/app', { cookie: answer.cookie })
      assert.deepEqual([again.body, ...fields(again)], ['["active",null,{"n":2}]', 'Cookie', 'private', 0])
    },
  ),
  row(
    'cookie/unknown',
    'a cookie that opens no session is no error, writes nothing, and is not adopted',
    (session, { url }) => (url.endsWith('/write') ? write(session) : look(session)),
    async ({ get, calls }) => {
      const cookie = `sid=${UNKNOWN}`
      const answer = await get('/app', { cookie })
      assert.deepEqual([answer.body, answer.cookies, calls], ['["new",null,{}]', [], ['read']])
      const written = await get('/app/write', { cookie })
      assert.match(written.cookie, /^sid=[\w-]{60}$/)
      assert.notEqual(written.cookie.slice(0, 32), cookie.slice(0, 32))
    },
  ),
  row(
    'cookie/malformed',
    'cookies that no session has are as none: foreign names, broken pairs, odd characters, lengths',
    look,
    async ({ get, calls }) => {
      for (const cookie of [
        'theme=dark; lang=en',
        'sid',
        'sid=',
        '=;;; ; sid=;',
        'SID=x',
        `xsid=${UNKNOWN}`,
        'sid="',
        'sid=%00%ff',
        `sid=${'a'.repeat(59)}`,
        `sid=${'a'.repeat(61)}`,
        `sid=${'a'.repeat(8000)}`,
        '__proto__=1; constructor=2',
      ]) {
        const { status, body, cookies } = await get('/app', { cookie })
        assert.deepEqual([cookie, status, body, cookies], [cookie, 200, '["new",null,{}]', []])
      }
      assert.deepEqual(calls, [])
    },
  ),
  row(
    'cookie/doubled',
    'of several cookies of the name the first counts that opens a session',
    look,
    async ({ begin, get }) => {
      const ann = await begin({}, 'ann')
      const bob = await begin({}, 'bob')
      const { body } = await get('/app', { cookie: `theme=dark; sid=${UNKNOWN}; ${ann}; ${bob}` })
      assert.equal(body, '["active","ann",{}]')
    },
  ),
  row(
    'cookie/superseded',
    'a secret that was replaced sets no cookie, and writes nothing',
    write,
    async ({ begin, sessions, get, calls }) => {
      const cookie = await begin()
      await (await sessions.load(cookie.slice('sid='.length))).regenerate()
      calls.length = 0
      const { body, cookies } = await get('/app', { cookie })
      assert.deepEqual([body, cookies, calls], ['["superseded",null,{"n":2}]', [], ['read']])
    },
  ),
  row(
    'cookie/of-the-application',
    'cookies that the application sets, in front of the session, in the handler and behind it, come with the session’s',
    async (session) => {
      await session.login('ann')
      return { headers: [['set-cookie', 'b=2']], body: 'ok' }
    },
    async ({ get, stored }) => {
      const { headers, cookie, cookies } = await get()
      const names = new Set(headers['set-cookie']!.map((field) => field.split('=', 1)[0]))
      assert.deepEqual([names, headers['set-cookie']!.length, cookies.length], [new Set(['a', 'b', 'c', 'sid']), 4, 1])
      assert.equal((await stored(cookie)).subject, 'ann')
    },
    { before: [['set-cookie', 'a=1']], after: [['set-cookie', 'c=3']] },
  ),
  row(
    'cookie/removed-as-set',
    'a sign-out removes the cookie with the attributes that it was set with',
    async (session) => {
      await session.logout()
      return text('bye')
    },
    async ({ begin, get, stored }) => {
      const cookie = await begin({}, 'ann')
      const answer = await get('/app', { cookie })
      assert.deepEqual(fields(answer), ['Cookie', 'private, no-store', 1])
      assert.match(
        answer.cookies[0]!,
        /^shop=; Max-Age=0; Path=\/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/,
      )
      assert.equal((await stored(cookie)).status, 'new')
    },
    { cookie: { name: 'shop', path: '/app' } },
  ),
  row(
    'cookie/former',
    'cookies of earlier names, domains and paths that an option names are removed, each by a field of its own, wherever the session’s cookie is set or removed, and nowhere else',
    async (session, { url }) => {
      if (url.endsWith('/login')) await session.login('ann')
      if (url.endsWith('/logout')) await session.logout()
      return { headers: [['set-cookie', 'b=2']], body: session.subject ?? 'nobody' }
    },
    async ({ get }) => {
      const others = new Set(['a=1', 'b=2'])
      const ours = ({ headers }: Answer): readonly string[] =>
        headers['set-cookie']!.filter((field) => !others.has(field))
      const signedIn = await get('/app/login')
      assert.deepEqual(ours(signedIn).slice(0, -1), FORGOTTEN)
      assert.match(ours(signedIn).at(-1)!, /^sid=[\w-]{60};/)
      assert.equal(signedIn.headers['set-cookie']!.length, FORGOTTEN.length + 3)
      const { cookie } = signedIn
      const looked = await get('/app', { cookie })
      assert.deepEqual([looked.body, ours(looked)], ['ann', []])
      const signedOut = await get('/app/logout', { cookie })
      assert.deepEqual(ours(signedOut), [...FORGOTTEN, `sid=; Max-Age=0; Path=/; ${FORGET} SameSite=Lax`])
    },
    { cookie: { formerly: FORMERLY }, before: [['set-cookie', 'a=1']] },
  ),
  row(
    'cookie/former-on-an-error',
    'they are removed by the answer to an error as well, behind a sign-in that stood',
    async (session) => {
      await session.login('ann')
      session.data['n'] = 2
      return text('in')
    },
    async ({ get, fail, stored }) => {
      fail('replace')
      const { status, headers, cookie } = await get()
      assert.deepEqual([status, headers['set-cookie']!.slice(0, -1)], [503, FORGOTTEN])
      assert.equal((await stored(cookie)).subject, 'ann')
    },
    { cookie: { formerly: FORMERLY } },
  ),
  row(
    'cookie/sign-out-of-nobody',
    'a sign-out under a cookie that opens no session removes no cookie',
    async (session) => {
      await session.logout()
      return text('bye')
    },
    async ({ get }) => assert.deepEqual((await get('/app', { cookie: `sid=${UNKNOWN}` })).cookies, []),
  ),
  row(
    'cookie/goodbye',
    'what is changed after a sign-out goes into a new session, with its cookie',
    async (session) => {
      await session.logout()
      session.flash('notice', 'Goodbye')
      return { status: 303, headers: [['location', '/']] }
    },
    async ({ begin, get, stored }) => {
      const old = await begin({ n: 1 }, 'ann')
      const { cookie, cookies } = await get('/app', { cookie: old })
      assert.deepEqual([cookies.length, await stored(cookie)], [1, { status: 'active', subject: undefined, data: {} }])
      assert.equal((await stored(old)).status, 'new')
    },
  ),
  row(
    'cookie/plain-http',
    'a Secure cookie on a request that looks like plain http is set, and is an event',
    write,
    async ({ get, events }) => {
      const { headers } = await get('/app', { headers: { host: 'shop.example', 'x-forwarded-proto': 'https' } })
      assert.match(headers['set-cookie']?.[0] ?? '', /; Secure/)
      assert.deepEqual(events, ['insecure'])
    },
    { cookie: { secure: true } },
  ),
  row(
    'cookie/behind-a-proxy',
    'behind a proxy that is trusted, and says https, it is no event; nor is it on a loopback host',
    write,
    async ({ get, events }) => {
      const { headers } = await get('/app', { headers: { host: 'shop.example', 'x-forwarded-proto': 'https' } })
      assert.match(headers['set-cookie']?.[0] ?? '', /; Secure/)
      await get()
      await eventually(() => events, [])
    },
    { cookie: { secure: true }, trustProxy: true },
  ),
]
