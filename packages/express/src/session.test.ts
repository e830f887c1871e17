import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, request as send, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createSessions, memoryStore, type SessionStore } from '@sess/core'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { session } from './index.ts'

interface Data {
  n: number
  late: number
}

declare module './register.ts' {
  interface Register {
    sessions: typeof sessions
  }
}

let store: SessionStore
let sessions = createSessions<Data>({ store: memoryStore() })
let app: Express
let server: Server
let calls: string[]
let failing: string | undefined

/** The store, counting, and failing on demand. */
function watched(target: SessionStore): SessionStore {
  return new Proxy(target, {
    get(object, name: keyof SessionStore) {
      const value: unknown = object[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls.push(name)
        return name === failing
          ? Promise.reject(new Error('the store is down'))
          : (value.apply(object, args) as unknown)
      }
    },
  })
}

beforeEach(async () => {
  calls = []
  failing = undefined
  store = watched(memoryStore())
  sessions = createSessions<Data>({ store })
  app = express()
  app.use(session(sessions, { cookie: { secure: false } }))
  app.get('/set', (req, res) => {
    req.session.data.n = Number(req.query.n ?? 1)
    res.send('set')
  })
  app.get('/get', (req, res) => void res.json(req.session.data))
  app.get('/plain', (_req, res) => void res.send('plain'))
  server = createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const url = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
const get = (path: string, cookie?: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url(path), { redirect: 'manual', ...init, headers: cookie === undefined ? {} : { cookie } })
const cookieOf = (response: Response): string => /^sid=[\w-]*/.exec(response.headers.getSetCookie()[0] ?? '')?.[0] ?? ''
const signedUp = async (): Promise<string> => cookieOf(await get('/set'))

/** Errors go behind the routes of the test. */
function answerErrors(): void {
  const handler: ErrorRequestHandler = (error: { code?: string; message: string }, _req, res, _next) => {
    res.status(500).send(error.code ?? error.message)
  }
  app.use(handler)
}

describe('a request that', () => {
  test('does not touch the session has nothing changed on its response', async () => {
    const response = await get('/plain', await signedUp())
    expect([
      response.headers.get('vary'),
      response.headers.get('cache-control'),
      response.headers.getSetCookie(),
    ]).toEqual([null, null, []])
  })

  test('has no cookie and changes nothing costs no call into the store, and sets no cookie', async () => {
    const response = await get('/get')
    expect([
      calls,
      response.headers.getSetCookie(),
      response.headers.get('vary'),
      response.headers.get('cache-control'),
    ]).toEqual([[], [], 'Cookie', 'private'])
  })

  test('reads costs one call, one that writes two, a sign-in from an anonymous session three', async () => {
    app.get('/login', async (req, res) => {
      await req.session.login('ann')
      res.send('in')
    })
    const cookie = await signedUp()
    const counts: Record<string, string[]> = {}
    for (const path of ['/get', '/set?n=2', '/login']) {
      calls.length = 0
      await get(path, cookie)
      counts[path] = [...calls]
    }
    expect(counts).toEqual({
      '/get': ['read'],
      '/set?n=2': ['read', 'replace'],
      '/login': ['read', 'create', 'replace'],
    })
  })

  test('creates a session sets its cookie, and forbids to store the response', async () => {
    const response = await get('/set')
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^sid=[\w-]{60}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
    expect(response.headers.get('cache-control')).toBe('private, no-store')
  })

  test('carries a superseded secret sets no cookie', async () => {
    app.get('/rotate', async (req, res) => {
      await req.session.regenerate()
      res.send('rotated')
    })
    const cookie = await signedUp()
    await get('/rotate', cookie)
    const response = await get('/set', cookie)
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
  })

  test('signs out removes the cookie', async () => {
    app.get('/logout', async (req, res) => {
      await req.session.logout()
      res.redirect('/')
    })
    const response = await get('/logout', await signedUp())
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^sid=; Max-Age=0; .*Expires=Thu, 01 Jan 1970/),
    ])
  })
})

describe('the session is committed before the response, by', () => {
  test.each<[string, (res: express.Response) => unknown, number, string]>([
    ['send', (res) => res.send('body'), 200, 'body'],
    ['redirect', (res) => void res.redirect('/elsewhere'), 302, ''],
    ['sendStatus', (res) => res.sendStatus(204), 204, ''],
    ['write and end', (res) => (res.write('bo'), res.end('dy')), 200, 'body'],
    ['end with a callback', (res) => res.end('body', () => {}), 200, 'body'],
    ['flushHeaders', (res) => (res.flushHeaders(), res.end('body')), 200, 'body'],
    [
      'writeHead with an object',
      (res) => res.writeHead(201, { 'Content-Type': 'text/plain', Vary: 'Accept' }).end('body'),
      201,
      'body',
    ],
    [
      'writeHead with a list',
      (res) => res.writeHead(201, 'Made', ['Vary', 'Accept', 'Set-Cookie', 'a=b']).end('body'),
      201,
      'body',
    ],
    ['a stream', (res) => Readable.from(['bo', 'dy']).pipe(res), 200, 'body'],
  ])('%s', async (_, answer, status, body) => {
    let there: unknown
    app.get('/answer', (req, res) => {
      req.session.data.n = 7
      answer(res)
    })
    const response = await get('/answer')
    there = (await (await get('/get', cookieFrom(response))).json()) as unknown
    expect([response.status, response.status === 302 ? '' : await response.text(), there]).toEqual([
      status,
      body,
      { n: 7 },
    ])
    expect(response.headers.get('vary')).toMatch(/Cookie$/)
  })

  test('sendFile, of a file larger than any buffer', async () => {
    const file = join(tmpdir(), `sess-express-${process.pid}.bin`)
    writeFileSync(file, Buffer.alloc(3_000_000, 'x'))
    app.get('/file', (req, res) => {
      req.session.data.n = 7
      res.sendFile(file)
    })
    const response = await get('/file')
    expect([(await response.arrayBuffer()).byteLength, await (await get('/get', cookieOf(response))).json()]).toEqual([
      3_000_000,
      { n: 7 },
    ])
  })

  test('an answer to HEAD, and a 304', async () => {
    const cookie = await signedUp()
    expect((await get('/set?n=2', cookie, { method: 'HEAD' })).status).toBe(200)
    const first = await get('/get', cookie)
    const headers = { cookie, 'if-none-match': first.headers.get('etag')!, 'cache-control': 'max-age=0' }
    expect([await first.json(), (await fetch(url('/get'), { headers })).status]).toEqual([{ n: 2 }, 304])
  })

  test('an error handler, after a throw and after a rejection', async () => {
    for (const path of ['/throw', '/reject'])
      app.get(path, (req) => {
        req.session.data.n = 9
        if (path === '/throw') throw new Error('mine')
        return Promise.reject(new Error('mine'))
      })
    answerErrors()
    for (const path of ['/throw', '/reject']) {
      const response = await get(path)
      expect([response.status, await response.text(), await (await get('/get', cookieOf(response))).json()]).toEqual([
        500,
        'mine',
        { n: 9 },
      ])
    }
  })

  test('whatever another middleware does to the response', async () => {
    const shouting: express.RequestHandler = (_req, res, next) => {
      const end = res.end.bind(res) as (chunk: string) => express.Response
      res.end = ((chunk: unknown) => end(String(chunk).toUpperCase())) as typeof res.end
      next()
    }
    app.get('/shout', shouting, (req, res) => {
      req.session.data.n = 3
      res.end('body')
    })
    const response = await get('/shout')
    expect([await response.text(), await (await get('/get', cookieOf(response))).json()]).toEqual(['BODY', { n: 3 }])
  })
})

function cookieFrom(response: Response): string {
  return /sid=[\w-]{60}/.exec(response.headers.getSetCookie().join('\n'))?.[0] ?? ''
}

describe('a commit that fails', () => {
  test('sends nothing of the answer; the error handler answers', async () => {
    answerErrors()
    const cookie = await signedUp()
    failing = 'replace'
    const response = await get('/set?n=2', cookie)
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
      500,
      'unknown_outcome',
      [],
    ])
  })

  test('without an error handler is a 500', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const cookie = await signedUp()
    failing = 'replace'
    expect((await get('/set?n=2', cookie)).status).toBe(500)
    vi.restoreAllMocks()
  })

  test('at load goes to the error handler; nobody is signed out', async () => {
    answerErrors()
    const cookie = await signedUp()
    failing = 'read'
    const response = await get('/get', cookie)
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
      500,
      'store_unavailable',
      [],
    ])
  })
})

describe('once the response has started', () => {
  test('changes are committed before its end', async () => {
    app.get('/stream', (req, res) => {
      res.on('drain', () => {
        req.session.data.late = 1
        res.end('end')
      })
      void req.session.subject
      res.write('start ')
    })
    const cookie = await signedUp()
    const response = await get('/stream', cookie)
    expect([await response.text(), await (await get('/get', cookie)).json()]).toEqual(['start end', { n: 1, late: 1 }])
  })

  test('what needs a cookie throws, and the connection is cut so that nobody takes it for whole', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const seen = Promise.withResolvers<unknown>()
    app.get('/stream', (req, res) => {
      res.on('drain', () => {
        req.session.login('ann').catch(seen.resolve)
        req.session.data.late = 1
        res.end('end')
      })
      void req.session.subject
      res.write('start ')
    })
    const response = await get('/stream')
    await expect(response.text()).rejects.toThrow()
    expect(await seen.promise).toMatchObject({ code: 'response_started' })
    vi.restoreAllMocks()
  })
})

test('a client that goes away loses no change, and nothing hangs', async () => {
  const arrived = Promise.withResolvers<void>()
  app.get('/hang', (req) => {
    req.session.data.n = 5
    arrived.resolve()
  })
  const cookie = await signedUp()
  const request = send(url('/hang'), { headers: { cookie } })
  request.on('error', () => {})
  request.end()
  await arrived.promise
  request.destroy()
  await vi.waitFor(async () => expect(await (await get('/get', cookie)).json()).toEqual({ n: 5 }))
})

test('a Secure cookie on plain http is an event and a line, a loopback host apart', async () => {
  const secure = createSessions({ store: memoryStore() })
  const messages: string[] = []
  secure.on('insecure', ({ message }) => messages.push(message))
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const other = express()
  other.use(session(secure))
  other.get('/', (req, res) => {
    ;(req.session as unknown as { data: Record<string, unknown> }).data.n = 1
    res.send('ok')
  })
  const secureServer = createServer(other).listen(0, '127.0.0.1')
  await once(secureServer, 'listening')
  const { port } = secureServer.address() as AddressInfo
  for (const host of ['shop.example', 'shop.example', 'localhost:3000', `127.0.0.1:${port}`, '[::1]:3000']) {
    const request = send({ port, host: '127.0.0.1', headers: { host } })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-sid=.*; HttpOnly; Secure; SameSite=Lax$/),
    ])
  }
  expect([messages.length, messages[0], warn.mock.calls.length]).toEqual([
    2,
    expect.stringContaining("app.set('trust proxy', 1)"),
    1,
  ])
  vi.restoreAllMocks()
  secureServer.close()
})

test('a second session middleware, and an assignment to req.session, say what to do', async () => {
  app.use('/twice', session(sessions))
  app.get('/assign', (req) => Object.assign(req, { session: {} }))
  answerErrors()
  expect(await (await get('/twice')).text()).toBe('invalid_option')
  expect(await (await get('/assign')).text()).toContain('req.session.data')
})
