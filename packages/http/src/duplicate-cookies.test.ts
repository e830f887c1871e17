import { createSessions, memoryStore, type Sessions, type SessionStore } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { CookieJar } from 'tough-cookie'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sessionCookie, withSession, type CookieOptions, type SessionCookie } from './index.ts'

let store: SessionStore
let sessions: Sessions<{ n?: number; cart?: string }>
let cookie: SessionCookie<{ n?: number; cart?: string }>
let events: string[]

beforeEach(() => {
  store = memoryStore()
  sessions = createSessions<{ n: number; cart: string }>({ store, log: false })
  cookie = sessionCookie(sessions, { name: 'sid', secure: false })
  events = []
  sessions.on('duplicate_cookies', ({ count }) => events.push(`duplicates ${count}`))
  sessions.on('rejected', ({ reason }) => events.push(reason))
})

/** The cookie value of a subject's session, or of an anonymous one. */
async function begun(subject?: string, cart?: string): Promise<string> {
  const session = await sessions.load(undefined)
  if (cart) session.data.cart = cart
  const { cookieValue } = subject ? await session.login(subject) : ((session.data.n = 1), await session.commit())
  events = []
  return cookieValue!
}

async function rotated(value: string): Promise<string> {
  return (await (await sessions.load(value)).regenerate()).cookieValue!
}

const UNKNOWN = 'u'.repeat(60)
const header = (...values: string[]): string =>
  ['theme=dark', ...values.map((value) => `sid=${value}`), 'x=1'].join('; ')

describe('of several cookies with the session’s name', () => {
  test('the first cookie that opens a session counts', async () => {
    const [ann, bob] = [await begun('ann'), await begun('bob')]
    expect((await cookie.load(header(UNKNOWN, ann, bob))).subject).toBe('ann')
    expect(events).toEqual(['unknown', 'duplicates 3'])
    const [old, now] = [ann, await rotated(ann)]
    events = []
    // Of one record: it is read once.
    const read = vi.spyOn(store, 'read')
    expect((await cookie.load(header(old, now, old))).subject).toBe('ann')
    expect([read.mock.calls.length, events]).toEqual([1, ['duplicates 2', 'superseded']])
  })

  test('a superseded cookie without a valid cookie gives a superseded session, which sets no cookie', async () => {
    const old = await begun('ann')
    await rotated(old)
    const session = await cookie.load(header(UNKNOWN, old))
    expect(session.status).toBe('superseded')
    session.data.n = 2
    expect(await session.commit()).toEqual({ status: 'superseded' })
    expect(cookie.headers(session)['set-cookie']).toBeUndefined()
  })

  test('at most four are tried: unknown values only cost reads', async () => {
    const ann = await begun('ann')
    const read = vi.spyOn(store, 'read')
    const unknown = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(60))
    expect((await cookie.load(header(...unknown, ann))).status).toBe('new')
    expect([read.mock.calls.length, events.at(-1)]).toEqual([4, 'duplicates 6'])
    expect((await cookie.load(header(...unknown.slice(0, 3), ann))).subject).toBe('ann')
  })

  test.each(['logout', 'destroy'] as const)('%s ends every session that one of them opens', async (operation) => {
    const [ann, bob, carl] = [await begun('ann'), await begun('bob'), await begun('carl')]
    await rotated(carl)
    const session = await cookie.load(header(ann, bob, carl))
    const ended: unknown[] = []
    sessions.on('logout', ({ subject }) => ended.push(subject))
    await session[operation]()
    expect(ended).toEqual(['bob', 'ann'])
    expect([(await sessions.load(ann)).status, (await sessions.load(bob)).status]).toEqual(['new', 'new'])
    // Its current secret was not among them.
    expect(await sessions.revokeSubject('carl')).toBe(1)
  })

  test('a later cookie gives no data to a login', async () => {
    const [first, second] = [await begun(undefined), await begun(undefined, 'book')]
    const session = await cookie.load(header(first, second))
    await session.login('ann')
    expect(session.data).toEqual({ n: 1 })
  })

  test('all are read within one storeTimeout, and a failed read of any of them is an outage', async () => {
    const [ann, bob] = [await begun('ann'), await begun('bob')]
    const read = vi.spyOn(store, 'read')
    read.mockRejectedValueOnce(new Error('down'))
    await expect(cookie.load(header(ann, bob))).rejects.toMatchObject({ code: 'store_unavailable' })
    vi.restoreAllMocks()
    sessions = createSessions({ store, log: false, storeTimeout: '60ms' })
    cookie = sessionCookie(sessions, { name: 'sid', secure: false })
    // Each in time, all of them not.
    const slow = vi.spyOn(store, 'read').mockImplementation(async () => {
      await new Promise((resolve) => setTimeout(resolve, 40))
      return undefined
    })
    await expect(cookie.load(header('a'.repeat(60), 'b'.repeat(60), 'c'.repeat(60)))).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect(slow.mock.calls.length).toBeLessThan(3)
  })

  test('an old and a new domain after a deploy do not break a sign-in', async () => {
    const handler = withSession(
      sessions,
      async (_request, session) => {
        if (session.subject === undefined) await session.login('ann')
        return new Response(session.subject)
      },
      { name: 'sid', secure: false, domain: 'shop.example' },
    )
    const older = await begun('ann')
    await rotated(older)
    const newer = await begun('ann')
    const request = new Request('http://localhost/', { headers: { cookie: header(older, newer) } })
    const response = await handler(request)
    expect([await response.text(), response.headers.getSetCookie()]).toEqual(['ann', []])
  })
})

test.each<[what: string, left: number, formerly: CookieOptions['formerly']]>([
  ['stays in a browser beside the new one', 2, undefined],
  ['that the option `formerly` names leaves the browser at the next sign-in', 1, [{}]],
])('the cookie of a deploy with another domain %s', async (_, left, formerly) => {
  const url = 'https://www.shop.example/'
  const jar = new CookieJar()
  const visit = async (options: CookieOptions): Promise<string> => {
    const handler = withSession(
      sessions,
      async (_request, session) => {
        await session.login('ann')
        return new Response()
      },
      { name: 'sid', ...options },
    )
    const response = await handler(new Request(url, { headers: { cookie: await jar.getCookieString(url) } }))
    for (const field of response.headers.getSetCookie()) await jar.setCookie(field, url)
    return await jar.getCookieString(url)
  }
  await visit({})
  const kept = await visit({ domain: 'shop.example', ...(formerly && { formerly }) })
  expect(kept.split('; ')).toHaveLength(left)
  expect((await cookie.load(kept)).subject).toBe('ann')
})

describe('a Cookie header that was joined with commas', () => {
  test('is parsed if the session’s cookie begins a pair', async () => {
    const ann = await begun('ann')
    expect((await cookie.load(`sid=${ann}, theme=dark`)).subject).toBe('ann')
    expect((await cookie.load(`x=1; sid="${ann}"`)).subject).toBe('ann')
  })

  test('is otherwise reported, and no part of another cookie’s value opens a session', async () => {
    const ann = await begun('ann')
    const session = await cookie.load(`theme=dark, sid=${ann}`)
    expect([session.status, bindingOf(session).handle, events]).toEqual(['new', undefined, ['malformed']])
  })
})
