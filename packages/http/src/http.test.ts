import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sessionCookie, withSession, type CookieOptions } from './index.ts'

let sessions: Sessions<{ n?: number; late?: number }>
beforeEach(() => {
  sessions = createSessions<{ n: number; late: number }>({ store: memoryStore() })
})

async function created(options?: CookieOptions): Promise<string> {
  const cookie = sessionCookie(sessions, options)
  const session = await cookie.load(undefined)
  session.data.n = 1
  await session.commit()
  return cookie.headers(session)['set-cookie']!
}

describe('the cookie', () => {
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
  ])('refuses cookie.%s in %j', (option, options) => {
    expect(() => sessionCookie(sessions, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^cookie.${option} `) }),
    )
  })

  test('of a browser session has no Max-Age', async () => {
    sessions = createSessions({ store: memoryStore(), persistent: false })
    expect(await created()).toMatch(/^__Host-sid=[\w-]{60}; Path=\/;/)
  })

  test('is found among others; of two with its name the first counts', async () => {
    const value = /=([\w-]{60})/.exec(await created())![1]!
    const cookie = sessionCookie(sessions)
    for (const header of [`__Host-sid=${value}`, `a=b; __Host-sid=${value}; c=d`, `__Host-sid=${value}; __Host-sid=x`])
      expect((await cookie.load(header)).status).toBe('active')
    for (const header of [undefined, null, '', 'sid=x', `__Host-sid=x; __Host-sid=${value}`])
      expect((await cookie.load(header)).status).toBe('new')
  })

  test('is removed with the attributes that it was set with', async () => {
    const options = { path: '/app', domain: 'example.com' }
    const cookie = sessionCookie(sessions, options)
    const session = await cookie.load((await created(options)).split(';')[0])
    await session.logout()
    expect(cookie.headers(session)['set-cookie']).toBe(
      'sid=; Max-Age=0; Domain=example.com; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax',
    )
  })
})

describe('caches are kept out', () => {
  test.each([
    [undefined, undefined, 'Cookie', 'private'],
    ['Accept', 'public, max-age=60', 'Accept, Cookie', 'private, max-age=60'],
    ['cookie', 'no-store', 'cookie', 'no-store'],
    ['*', 'private, s-maxage=9', '*', 'private'],
  ])('Vary %s and Cache-Control %s', async (vary, control, expectedVary, expectedControl) => {
    const cookie = sessionCookie(sessions)
    const headers = cookie.headers(await cookie.load(undefined), { vary, 'cache-control': control })
    expect(headers).toEqual({ vary: expectedVary, 'cache-control': expectedControl })
  })
})

describe('withSession', () => {
  const request = (cookie?: string): Request =>
    new Request('https://example.com/', { headers: cookie ? { cookie } : {} })

  test('commits before it returns, and keeps what the response has', async () => {
    const handler = withSession(sessions, async (_request, session, more: number) => {
      session.data.n = more
      return new Response('body', { status: 201, headers: { vary: 'Accept', 'set-cookie': 'a=b', 'x-mine': 'y' } })
    })
    const response = await handler(request(), 5)
    expect([
      response.status,
      await response.text(),
      response.headers.get('vary'),
      response.headers.get('x-mine'),
    ]).toEqual([201, 'body', 'Accept, Cookie', 'y'])
    const [other, own] = response.headers.getSetCookie()
    expect([other, (await sessionCookie(sessions).load(own!.split(';')[0])).data]).toEqual(['a=b', { n: 5 }])
  })

  test('works on responses whose headers cannot be changed, and on ones without a body', async () => {
    for (const [response, status] of [
      [() => Response.redirect('https://example.com/next'), 302],
      [() => new Response(null, { status: 204 }), 204],
    ] as const) {
      const answer = await withSession(sessions, (_request, session) => {
        session.data.n = 1
        return response()
      })(request())
      expect([answer.status, answer.headers.getSetCookie().length]).toEqual([status, 1])
    }
  })

  test('commits what changes while the body streams, at its end and when it is cancelled', async () => {
    const value = (await created()).split(';')[0]!
    const stream = withSession(sessions, (_request, session) => {
      let chunks = 0
      return new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            session.data.late = ++chunks
            if (chunks < 4) controller.enqueue(Buffer.from('x'))
            else controller.close()
          },
        }),
      )
    })
    expect(await (await stream(request(value))).text()).toBe('xxx')
    expect((await sessionCookie(sessions).load(value)).data.late).toBe(4)
    await (await stream(request(value))).body!.cancel()
    expect((await sessionCookie(sessions).load(value)).data.late).toBeLessThan(4)
  })

  test('cuts the body short when what streams needs a cookie', async () => {
    const handler = withSession(sessions, (_request, session) => {
      return new Response(
        new ReadableStream(
          {
            pull(controller) {
              session.data.late = 1
              controller.close()
            },
          },
          { highWaterMark: 0 },
        ),
      )
    })
    await expect((await handler(request())).text()).rejects.toMatchObject({ code: 'response_started' })
  })

  test('lets an error of the handler through, and commits nothing', async () => {
    const value = (await created()).split(';')[0]!
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 9
      throw new Error('mine')
    })
    await expect(handler(request(value))).rejects.toThrow('mine')
    expect((await sessionCookie(sessions).load(value)).data.n).toBe(1)
  })

  test('reports a Secure cookie on plain http, localhost apart', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const messages: string[] = []
    sessions.on('insecure', ({ message }) => messages.push(message))
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 1
      return new Response()
    })
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1', 'https://example.com', 'http://example.com'])
      await handler(new Request(origin))
    expect([messages, warn.mock.calls.length]).toEqual([[expect.stringContaining('example.com')], 1])
    vi.restoreAllMocks()
  })
})
