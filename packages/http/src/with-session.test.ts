import { createSessions, memoryStore, type Sessions, type SessionStore } from '@sess/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sessionCookie, withSession, type WithSessionOptions } from './index.ts'

interface Data {
  n: number
  late: number
}

let store: SessionStore
let sessions: Sessions<Partial<Data>>
beforeEach(() => {
  store = memoryStore()
  sessions = createSessions<Data>({ store, log: false })
})
afterEach(() => void vi.restoreAllMocks())

const request = (cookie?: string, url = 'https://example.com/'): Request =>
  new Request(url, { headers: cookie ? { cookie } : {} })

/** `name=value` of the session cookie that a response sets; empty if it sets none. */
const cookieOf = (response: Response): string => response.headers.getSetCookie().at(-1)?.split(';')[0] ?? ''

/** The cookie of a new session, whose data are `{ n: 1 }`. */
async function begun(): Promise<string> {
  const handler = withSession(sessions, (_request, session) => {
    session.data.n = 1
    return new Response()
  })
  return cookieOf(await handler(request()))
}

const stored = async (cookie: string): Promise<Partial<Data>> => (await sessionCookie(sessions).load(cookie)).data

describe('the response of withSession', () => {
  test('is returned once the session is committed, and keeps its status, fields and body', async () => {
    const handler = withSession(sessions, async (_request, session, more: number) => {
      session.data.n = more
      const headers = { vary: 'Accept', 'set-cookie': 'a=b', 'x-mine': 'y' }
      return new Response('body', { status: 201, statusText: 'Made', headers })
    })
    const response = await handler(request(), 5)
    const { status, statusText, headers } = response
    expect([status, statusText, await response.text()]).toEqual([201, 'Made', 'body'])
    expect([headers.get('vary'), headers.get('cache-control'), headers.get('x-mine')]).toEqual([
      'Accept, Cookie',
      'private, no-store',
      'y',
    ])
    expect([headers.getSetCookie()[0], await stored(cookieOf(response))]).toEqual(['a=b', { n: 5 }])
  })

  test.each<[string, number, () => Response]>([
    ['a redirect, whose headers cannot be changed', 302, () => Response.redirect('https://example.com/next')],
    ['none but a status', 204, () => new Response(null, { status: 204 })],
    ['not modified', 304, () => new Response(null, { status: 304 })],
  ])('may be %s', async (_, status, answer) => {
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 1
      return answer()
    })
    const response = await handler(request())
    expect([response.status, response.body, await stored(cookieOf(response))]).toEqual([status, null, { n: 1 }])
  })

  test('that the handler throws counts as its answer, and is thrown again after the commit', async () => {
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 2
      throw Response.redirect('https://example.com/login')
    })
    const thrown = await handler(request()).catch((error: unknown) => error as Response)
    expect([thrown.status, await stored(cookieOf(thrown))]).toEqual([302, { n: 2 }])
  })

  test('that is no Response is reported as an error of the handler’s author', async () => {
    const handler = withSession(sessions, () => undefined as unknown as Response)
    await expect(handler(request())).rejects.toThrow('must return a Response')
  })

  test('is left alone if the session is not used: no field, no commit, no touch', async () => {
    let now = 1_800_000_000_000
    sessions = createSessions<Data>({ store, log: false, clock: () => now })
    const cookie = await begun()
    now += 29 * 60_000
    const calls = vi.spyOn(store, 'touch')
    const mine = Response.json({}, { headers: { vary: 'Accept', 'cache-control': 'public, max-age=60' } })
    const left = await withSession(sessions, () => mine)(request(cookie))
    expect([...left.headers]).toEqual([...mine.headers])
    const empty = new Response(null, { status: 204 })
    expect(await withSession(sessions, (_request, session) => [session, empty][1] as Response)(request(cookie))).toBe(
      empty,
    )
    expect(calls).not.toHaveBeenCalled()
    // The same with a use.
    const used = await withSession(sessions, (_request, session) => Response.json(session.data))(request(cookie))
    expect([used.headers.get('vary'), used.headers.get('cache-control')]).toEqual(['Cookie', 'private'])
    expect(calls).toHaveBeenCalledOnce()
  })

  test('is private before any use of the session if an option says so', async () => {
    const response = await withSession(sessions, () => new Response(), { private: true })(request())
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual(['Cookie', 'private'])
  })

  test('whose session is first used while the body streams causes an event; the change is committed', async () => {
    const late: unknown[] = []
    sessions.on('uncacheable_late', (event) => late.push(event))
    const cookie = await begun()
    const handler = withSession(sessions, (_request, session) => {
      const pull = (controller: ReadableStreamDefaultController): void => {
        session.data.late = 1
        controller.close()
      }
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
    })
    const response = await handler(request(cookie))
    expect(late).toEqual([])
    await response.text()
    expect([late.length, await stored(cookie)]).toEqual([1, { n: 1, late: 1 }])
  })

  test('to a request without a cookie makes no store call and sets no cookie', async () => {
    const read = vi.spyOn(store, 'read')
    const response = await withSession(sessions, (_, { data }) => Response.json(data))(request())
    expect([read.mock.calls.length, response.headers.getSetCookie(), response.headers.get('vary')]).toEqual([
      0,
      [],
      'Cookie',
    ])
  })
})

describe('an error', () => {
  test('of an operation that the handler did not await fails the response', async () => {
    const cookie = await begun()
    const handler = withSession(sessions, (_request, session) => {
      void session.logout()
      return new Response('You are signed out')
    })
    vi.spyOn(store, 'delete').mockRejectedValue(new Error('down'))
    await expect(handler(request(cookie))).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(await stored(cookie)).toEqual({ n: 1 })
  })

  test('of the handler is passed on; changes are committed unless they need a cookie', async () => {
    const cookie = await begun()
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 9
      throw new Error('mine')
    })
    await expect(handler(request(cookie))).rejects.toThrow('mine')
    expect(await stored(cookie)).toEqual({ n: 9 })
    const created = vi.spyOn(store, 'create')
    await expect(handler(request())).rejects.toThrow('mine')
    expect(created).not.toHaveBeenCalled()
  })

  test('of the store at load signs nobody out: the handler is not called', async () => {
    const cookie = await begun()
    vi.spyOn(store, 'read').mockRejectedValue(new Error('down'))
    const handler = vi.fn(() => new Response())
    await expect(withSession(sessions, handler)(request(cookie))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(handler).not.toHaveBeenCalled()
  })

  test('of the commit cancels the body that nobody will read', async () => {
    const cookie = await begun()
    vi.spyOn(store, 'replace').mockRejectedValue(new Error('down'))
    const cancel = vi.fn()
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 2
      return new Response(new ReadableStream({ cancel }))
    })
    await expect(handler(request(cookie))).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(cancel).toHaveBeenCalledOnce()
  })
})

describe('a body that streams', () => {
  /** Answers with as many bytes, and counts them in the session as it goes. */
  const counting = (bytes: number): ((request: Request) => Promise<Response>) =>
    withSession(sessions, (_request, session) => {
      let sent = 0
      return new Response(
        new ReadableStream(
          {
            pull(controller) {
              if (sent === bytes) return controller.close()
              session.data.late = ++sent
              controller.enqueue(Buffer.from('x'))
            },
          },
          { highWaterMark: 0 },
        ),
      )
    })

  test('is not read before the client reads; changes meanwhile are committed before its end', async () => {
    const cookie = await begun()
    const response = await counting(3)(request(cookie))
    expect(await stored(cookie)).toEqual({ n: 1 })
    expect(await response.text()).toBe('xxx')
    expect(await stored(cookie)).toEqual({ n: 1, late: 3 })
  })

  test('leads to a commit when it is cancelled, too', async () => {
    const cookie = await begun()
    const reader = (await counting(3)(request(cookie))).body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(await stored(cookie)).toEqual({ n: 1, late: 1 })
  })

  test('is cut short by an operation that needs a cookie', async () => {
    const response = await counting(1)(request())
    await expect(response.text()).rejects.toMatchObject({ code: 'response_started' })
  })

  test('fails with the error of its source', async () => {
    const cookie = await begun()
    const handler = withSession(sessions, () => {
      return new Response(new ReadableStream({ pull: () => Promise.reject(new Error('mine')) }))
    })
    await expect((await handler(request(cookie))).text()).rejects.toThrow('mine')
  })
})

describe('an upgrade of the connection', () => {
  /** As Deno and Cloudflare Workers make them; the constructor refuses the status. */
  const switching = Object.defineProperty(new Response(), 'status', { value: 101 })

  test('is committed, and returned as the same object', async () => {
    const cookie = await begun()
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 2
      return switching
    })
    expect(await handler(request(cookie))).toBe(switching)
    expect(await stored(cookie)).toEqual({ n: 2 })
  })

  test('by a handler that returns nothing is committed', async () => {
    const cookie = await begun()
    const handler = withSession(sessions, (_request, session) => {
      session.data.n = 2
      return undefined
    })
    const handshake = new Request('https://example.com/', { headers: { cookie, upgrade: 'websocket' } })
    expect(await handler(handshake)).toBeUndefined()
    expect(await stored(cookie)).toEqual({ n: 2 })
  })

  test('carries no cookie: an operation that needs a cookie throws', async () => {
    const handler = withSession(sessions, async (_request, session) => {
      await session.login('ann')
      return switching
    })
    await expect(handler(request())).rejects.toMatchObject({ code: 'response_started' })
  })
})

test.each<[number, string, WithSessionOptions, string]>([
  [0, 'https://example.com/', {}, ''],
  [0, 'http://localhost:3000/', {}, ''],
  [0, 'http://127.0.0.1/', {}, ''],
  [0, 'http://[::1]:8080/', {}, ''],
  [1, 'http://example.com/', {}, ''],
  [1, 'http://example.com/', {}, 'https'],
  [1, 'http://example.com/', { trustProxy: true }, 'http'],
  [0, 'http://example.com/', { trustProxy: true }, 'https, http'],
  [0, 'http://example.com/', { secure: false }, ''],
])('%i reports of a Secure cookie on %s, with %j and X-Forwarded-Proto %j', async (reports, url, options, proto) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const messages: string[] = []
  sessions.on('insecure', ({ message }) => messages.push(message))
  const handler = withSession(
    sessions,
    (_request, session) => {
      session.data.n = 1
      return new Response()
    },
    options,
  )
  const headers = proto ? { 'x-forwarded-proto': proto } : {}
  for (let time = 0; time < 2; time++) await handler(new Request(url, { headers }))
  expect([messages.length, warn.mock.calls.length]).toEqual([2 * reports, reports])
  for (const message of messages) expect(message).toMatch(/example\.com .*trustProxy/)
})

test.each<[what: string, options: unknown, message: RegExp]>([
  ['an option of a server', { secret: 'x' }, /^secret is no option of withSession\(\): cookies are not signed/],
  [
    'a nested cookie',
    { cookie: {} },
    /^cookie is no option of withSession\(\): pass the options of the cookie directly/,
  ],
  ['trustProxy: 1', { trustProxy: 1 }, /^trustProxy must be true or false/],
  ['private as text', { private: 'no' }, /^private must be true or false/],
])('%s is refused by name', (_, options, message) => {
  const sessions = createSessions({ store: memoryStore() })
  expect(() => withSession(sessions, () => new Response(), options as WithSessionOptions)).toThrow(message)
  expect(() => withSession(sessions, undefined as unknown as () => Response)).toThrow(/^handler must be a function/)
  expect(() => withSession((() => new Response()) as unknown as typeof sessions, () => new Response())).toThrow(
    'sessions must be what createSessions({ store }) returned, and is a function',
  )
})
