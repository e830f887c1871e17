import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { createSessions, memoryStore, type SessionStore } from '@sess/core'
import type { Request } from 'express'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { express, serve } from '../test/served.ts'
import { session, type SessionOptions } from './index.ts'

type Method = Extract<keyof SessionStore, 'create' | 'replace' | 'delete'>

afterEach(() => void vi.restoreAllMocks())

describe('a request that', () => {
  test('does not use the session leaves its response unpatched and unchanged', async () => {
    const { app, get, begin } = await serve()
    let patched: string[] = []
    app.get('/own', (req, res) => {
      const before = Object.keys(res)
      if (req.query['touch']) void req.session.subject
      patched = Object.keys(res).filter(
        (name) => !before.includes(name) || (/^[^_]/.test(name) && typeof Reflect.get(res, name) === 'function'),
      )
      res.end()
    })
    const cookie = await begin()
    const { headers } = await get('/own', { cookie })
    expect([headers['vary'], headers['cache-control'], headers['set-cookie']]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(patched).toEqual([])
    await get('/own?touch=1', { cookie })
    // None of its public methods, even then.
    expect(patched).toEqual(['_send', '_writeRaw', '_flush'])
  })

  test('passes the session along unread leaves its response unchanged', async () => {
    const { app, get, begin } = await serve()
    app.get('/own', (req, res) => {
      const { session: handed } = req
      res.locals['session'] = handed
      res.set('Cache-Control', 'public, max-age=60').send('own')
    })
    const { headers } = await get('/own', { cookie: await begin() })
    expect([headers['vary'], headers['cache-control']]).toEqual([undefined, 'public, max-age=60'])
  })

  test('is marked private has a private response, whatever its handler does', async () => {
    const { get } = await serve({ cookie: { secure: false }, private: true })
    const { headers } = await get('/plain')
    expect([headers['vary'], headers['cache-control']]).toEqual(['Cookie', 'private'])
  })

  test.each([
    [1, undefined],
    [0, 'private'],
  ])(
    'uses the session first when its head has left makes %i events where Cache-Control is %s',
    async (events, field) => {
      const { app, get, sessions, begin } = await serve()
      let late = 0
      sessions.on('uncacheable_late', () => late++)
      app.get('/own', (req, res) => {
        if (field) res.set('Cache-Control', field)
        res.write('a')
        res.end(String(req.session.data.n))
      })
      expect((await get('/own', { cookie: await begin() })).body).toBe('a1')
      expect(late).toBe(events)
    },
  )

  test.each<['logout' | 'login' | 'update' | 'regenerate', Method]>([
    ['logout', 'delete'],
    ['login', 'create'],
    ['update', 'replace'],
    ['regenerate', 'replace'],
  ])('forgets to await a %s that fails is answered by the error handler', async (operation, method) => {
    const { app, get, begin, fail, answerErrors } = await serve()
    app.get('/own', (req, res) => {
      if (operation === 'login') void req.session.login('bob')
      else if (operation === 'update') void req.session.update((data) => void (data.n = 2))
      else void req.session[operation]()
      setImmediate(() => res.send('done'))
    })
    answerErrors()
    const cookie = await begin()
    fail(method)
    const { status, body } = await get('/own', { cookie })
    expect([status, body]).toEqual([500, 'unknown_outcome'])
  })

  test('has no cookie and changes nothing makes no store call and sets no cookie', async () => {
    const { calls, get } = await serve()
    const { headers } = await get('/get')
    expect([calls, headers['set-cookie'], headers['vary'], headers['cache-control']]).toEqual([
      [],
      undefined,
      'Cookie',
      'private',
    ])
  })

  test('reads makes one store call; a write makes two, a sign-in from an anonymous session three, a sign-out two', async () => {
    const { app, calls, get, begin } = await serve()
    app.get('/login', async (req, res) => void res.send(await req.session.login('ann')))
    app.get('/logout', async (req, res) => void res.send(await req.session.logout()))
    let cookie = await begin()
    const counts: Record<string, string[]> = {}
    for (const path of ['/plain', '/get', '/set?n=2', '/login', '/logout']) {
      calls.length = 0
      cookie = (await get(path, { cookie })).cookie || cookie
      counts[path] = [...calls]
    }
    expect(counts).toEqual({
      '/plain': ['read'],
      '/get': ['read'],
      '/set?n=2': ['read', 'replace'],
      '/login': ['read', 'create', 'replace'],
      '/logout': ['read', 'delete'],
    })
  })

  test('creates a session sets its cookie, and forbids caches to store the response', async () => {
    const { get } = await serve()
    const { headers } = await get('/set')
    expect([headers['set-cookie'], headers['cache-control']]).toEqual([
      [expect.stringMatching(/^sid=[\w-]{60}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)],
      'private, no-store',
    ])
  })

  test('has caching fields of its own keeps the stricter values, and its other cookies', async () => {
    const { app, get } = await serve()
    app.get('/own', (req, res) => {
      req.session.data.n = 1
      res.vary('Accept').set('Cache-Control', 'public, max-age=60').cookie('other', '1').send()
    })
    const { headers } = await get('/own')
    expect([headers['vary'], headers['cache-control'], headers['set-cookie']]).toEqual([
      'Accept, Cookie',
      'private, max-age=60, no-store',
      ['other=1; Path=/', expect.stringMatching(/^sid=/)],
    ])
  })

  test('carries a superseded secret sets no cookie', async () => {
    const { app, get, begin } = await serve()
    app.get('/rotate', async (req, res) => void res.send(await req.session.regenerate()))
    const cookie = await begin()
    expect((await get('/rotate', { cookie })).cookie).toMatch(/^sid=[\w-]{60}$/)
    const { status, headers } = await get('/set', { cookie })
    expect([status, headers['set-cookie']]).toEqual([200, undefined])
  })

  test('signs out removes the cookie', async () => {
    const { app, get, begin } = await serve()
    app.get('/logout', async (req, res) => {
      await req.session.logout()
      res.redirect('/')
    })
    const { headers } = await get('/logout', { cookie: await begin() })
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/^sid=; Max-Age=0; .*Expires=Thu, 01 Jan 1970/)])
  })
})

describe('a Secure cookie on a request that looks like plain http', () => {
  /** The events, and the console's lines, of a request for each of these. */
  async function reported(trust: boolean, asks: readonly Record<string, string>[]): Promise<[string[], number]> {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { sessions, get } = await serve({}, (app) => app.set('trust proxy', trust))
    const messages: string[] = []
    sessions.on('insecure', ({ message }) => messages.push(message))
    for (const headers of asks)
      expect((await get('/set', { headers })).headers['set-cookie']).toEqual([
        expect.stringMatching(/^__Host-sid=.*; HttpOnly; Secure; SameSite=Lax$/),
      ])
    return [messages, warn.mock.calls.length]
  }

  test('is an event each time, and one log line that says what to set behind a proxy', async () => {
    const proxied = { host: 'shop.example', 'x-forwarded-proto': 'https' }
    const [messages, lines] = await reported(false, [proxied, proxied])
    expect([messages.length, lines, messages[0]]).toEqual([2, 1, expect.stringContaining("app.set('trust proxy', 1)")])
    expect(messages[0]).toContain('shop.example')
  })

  test('is not reported behind a trusted proxy', async () => {
    expect(await reported(true, [{ host: 'shop.example', 'x-forwarded-proto': 'https' }])).toEqual([[], 0])
  })

  test('is not reported on a loopback host, where browsers accept it', async () => {
    const hosts = ['localhost:3000', '127.0.0.1:1', '[::1]:3000', 'shop.localhost']
    expect(
      await reported(
        false,
        hosts.map((host) => ({ host })),
      ),
    ).toEqual([[], 0])
  })
})

test('a WebSocket handshake, which has no response of Express, can read the session; changes are stored when the connection closes', async () => {
  const { sessions, begin, stored } = await serve()
  const middleware = session(sessions, { cookie: { secure: false } })
  const server = createServer().on('upgrade', (req, socket: Socket) => {
    // As engine.io makes it for its middleware.
    const none = { setHeader() {}, getHeader() {}, removeHeader() {}, writeHead() {}, end() {} }
    middleware(req, none as unknown as ServerResponse, () => {
      const { data } = (req as Request).session
      socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n${data.n}`)
      data.n = 5
    })
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cookie = await begin()
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1').end(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\nCookie: ${cookie}\r\n\r\n`,
  )
  expect(await text(client)).toMatch(/^HTTP\/1.1 101 [^]*\r\n\r\n1$/)
  await expect.poll(() => stored(cookie)).toEqual({ n: 5 })
})

describe('misuse says what to do:', () => {
  test('a response that cannot be held back, such as one of HTTP/2', async () => {
    const { sessions } = await serve()
    const error = await new Promise((resolve) =>
      session(sessions)({ headers: {} } as IncomingMessage, {} as ServerResponse, resolve),
    )
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('withSession()') as string })
  })

  test('a second session middleware', async () => {
    const { app, sessions, get, answerErrors } = await serve()
    app.use('/twice', session(sessions))
    answerErrors()
    expect((await get('/twice')).body).toBe('invalid_option')
  })

  test('an assignment to req.session, or to a property of it', async () => {
    const { app, get, answerErrors } = await serve()
    app.get('/session', (req) => Object.assign(req, { session: {} }))
    app.get('/property', (req) => Object.assign(req.session, { user: 'ann' }))
    answerErrors()
    expect((await get('/session')).body).toContain('req.session.data')
    expect((await get('/property')).body).toContain('session.data.user')
  })

  test('a bad option', () => {
    const sessions = createSessions({ store: memoryStore() })
    expect(() => express().use(session(sessions, { cookie: { path: 'app' } }))).toThrow(/^cookie.path /)
    const refused: readonly [sessions: unknown, options: unknown, message: string][] = [
      [undefined, undefined, 'sessions must be what createSessions({ store }) returned, and is undefined'],
      [{ store: memoryStore() }, undefined, 'sessions must be what createSessions({ store }) returned'],
      [{ secret: 'x', resave: false }, undefined, 'sessions must be what createSessions({ store }) returned'],
      [sessions, { secure: false }, 'secure is no option of session(): it is an option of the cookie: nest it'],
      [sessions, { cookie: { maxAge: 5 } }, 'maxAge is no option of the cookie: it is the time until the session ends'],
      [sessions, { private: 'yes' }, 'private must be true or false'],
      [sessions, { rolling: true }, 'rolling is no option of session(): idleTimeout slides by itself'],
    ]
    for (const [given, options, message] of refused)
      expect(() => session(given as typeof sessions, options as SessionOptions)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) as unknown }),
      )
  })
})
