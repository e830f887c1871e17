import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Request as ExpressRequest, type Response as ExpressResponse } from 'express'
import type { Session } from '@sess/core'
import { session as middleware } from '@sess/express'
import { csrfToken, isCsrfToken, sessionCookie, withSession } from '@sess/http'
import { afterEach, expect, test } from 'vitest'
import { createSealedSessions, type SealedSession } from './index.ts'

interface Data {
  cart: string[]
  big: string
}

const keys = [randomBytes(32)]
const sessions = createSealedSessions<Data>({ keys, log: false })
let server: Server | undefined

afterEach(async () => {
  server?.closeAllConnections()
  await server?.[Symbol.asyncDispose]()
  server = undefined
})

async function listen(listening: Server): Promise<string> {
  server = listening
  await once(listening, 'listening')
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

/** A browser as far as one cookie goes. */
class Browser {
  cookie: string | undefined
  setCookie: string[] = []
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  async get(path: string): Promise<string> {
    const response = await fetch(this.#origin + path, { headers: this.cookie ? { cookie: this.cookie } : {} })
    this.setCookie = response.headers.getSetCookie()
    for (const line of this.setCookie)
      this.cookie = line.includes('Max-Age=0;') ? undefined : line.slice(0, line.indexOf(';'))
    return response.text()
  }
}

/** What both servers do. */
async function act(path: string, session: Session<Partial<Data>>): Promise<unknown> {
  if (path === '/add') (session.data.cart ??= []).push('book')
  if (path === '/login') await session.login('ann')
  if (path === '/big') session.data.big = 'x'.repeat(5000)
  if (path === '/logout') {
    await session.logout()
    session.flash('notice', 'Signed out')
  }
  return {
    subject: session.subject,
    cart: session.data.cart,
    ...(path === '/' && { notice: session.flashed('notice') }),
  }
}

async function walk(browser: Browser): Promise<void> {
  const json = async (path: string): Promise<unknown> => JSON.parse(await browser.get(path)) as unknown
  await json('/')
  expect(browser.setCookie).toEqual([])
  await json('/add')
  expect(browser.setCookie).toEqual([
    expect.stringMatching(/^sid=[\w-]{200,400}; Max-Age=43(199|200); Path=\/; HttpOnly; SameSite=Lax$/),
  ])
  await json('/add')
  expect(browser.setCookie).toHaveLength(1)
  expect(await json('/login')).toEqual({ subject: 'ann', cart: ['book', 'book'] })
  expect(await json('/')).toEqual({ subject: 'ann', cart: ['book', 'book'], notice: [] })
  expect(browser.setCookie).toEqual([])
  const signedIn = browser.cookie
  await json('/logout')
  expect(await json('/')).toEqual({ notice: ['Signed out'] })
  expect(await json('/')).toEqual({ notice: [] })
  // What no sealed cookie can do: a copy that was made before is as good as it was.
  browser.cookie = signedIn
  expect(await json('/')).toMatchObject({ subject: 'ann' })
  expect(await browser.get('/big')).toBe('too_large')
  expect([browser.setCookie, browser.cookie]).toEqual([[], signedIn])
}

test('@sess/express serves sealed sessions over a socket', async () => {
  const app = express()
  app.use(middleware(sessions, { cookie: { secure: false } }))
  app.use(async (req: ExpressRequest, res: ExpressResponse) => {
    res.json(await act(req.path, req.session as unknown as Session<Partial<Data>>))
  })
  app.use(
    (error: { code: string }, _req: ExpressRequest, res: ExpressResponse, _next: express.NextFunction) =>
      void res.status(500).send(error.code),
  )
  await walk(new Browser(await listen(app.listen(0, '127.0.0.1'))))
})

test('@sess/http serves sealed sessions over a socket', async () => {
  const handle = withSession(
    sessions,
    async (request, session) => Response.json(await act(new URL(request.url).pathname, session)),
    { secure: false },
  )
  const listening = createServer((req, res) => {
    const request = new Request(`http://127.0.0.1${req.url}`, { headers: req.headers as Record<string, string> })
    handle(request)
      .catch((error: { code: string }) => new Response(error.code, { status: 500 }))
      .then(async (response) => {
        res.writeHead(response.status, [...response.headers].flat()).end(await response.text())
      })
      .catch((error: unknown) => res.destroy(error as Error))
  })
  await walk(new Browser(await listen(listening.listen(0, '127.0.0.1'))))
})

test('the longest session gives a Set-Cookie of at most 4,096 bytes', async () => {
  const cookie = sessionCookie(sessions)
  const lengthOf = async (size: number): Promise<number> => {
    const session = await cookie.load(undefined)
    session.data.big = 'x'.repeat(size)
    await session.commit()
    return cookie.headers(session)['set-cookie']!.at(-1)!.length
  }
  let size = 2000
  while ((await lengthOf(size + 1).catch(() => 0)) > 0) size++
  expect(await lengthOf(size)).toBeLessThanOrEqual(4096)
  expect(await lengthOf(size)).toBeGreaterThan(4000)
})

test('a change while the body streams cuts the response short, because its cookie can no longer be sent', async () => {
  const cookie = sessionCookie(sessions)
  const session = await cookie.load(undefined)
  await session.login('ann')
  const request = new Request('https://example.com/', {
    headers: { cookie: cookie.headers(session)['set-cookie']!.at(-1)!.split(';')[0]! },
  })
  const stream = (change: boolean) =>
    withSession(
      sessions,
      (_request, streaming) =>
        new Response(
          new ReadableStream<Uint8Array>(
            {
              pull(controller) {
                if (change) streaming.data.big = 'late'
                controller.enqueue(Buffer.from('x'))
                controller.close()
              },
            },
            { highWaterMark: 0 },
          ),
        ),
    )(request)
  expect(await (await stream(false)).text()).toBe('x')
  await expect((await stream(true)).text()).rejects.toMatchObject({ code: 'response_started' })
})

test('a CSRF token stays valid across writes, and ends with a sign-in or a new secret', async () => {
  const visit = async <T>(cookie: string | undefined, act: (session: SealedSession<Partial<Data>>) => T) => {
    const session = await sessions.load(cookie)
    const given = await act(session)
    const { cookieValue } = await session.commit()
    return [cookieValue ?? cookie!, given] as const
  }
  const accepts = async (cookie: string, token: string) => isCsrfToken(await sessions.load(cookie), token)

  const [first, early] = await visit(undefined, csrfToken)
  const [second] = await visit(first, ({ data }) => void (data.cart = ['book']))
  expect(second).not.toBe(first)
  expect([await accepts(first, early), await accepts(second, early)]).toEqual([true, true])

  const [mine, token] = await visit(second, (session) => session.login('ann').then(() => csrfToken(session)))
  expect([await accepts(mine, early), await accepts(mine, token)]).toEqual([false, true])
  const [theirs] = await visit(undefined, (session) => session.login('ann'))
  expect(await accepts(theirs, token)).toBe(false)
  const [again] = await visit(mine, (session) => session.login('ann'))
  const [rotated] = await visit(mine, (session) => session.regenerate())
  expect([await accepts(again, token), await accepts(rotated, token)]).toEqual([false, false])
})
