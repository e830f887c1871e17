import { Readable } from 'node:stream'
import { nodeServer } from '@sess/conformance/http'
import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { session } from '@sess/koa'
import Koa, { type Context, type Middleware } from 'koa'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

interface Data {
  n: number
}

async function served(use: (ctx: Context) => unknown): Promise<{
  get: (cookie?: string) => Promise<Response>
  sessions: Sessions<Partial<Data>>
  begin: () => Promise<string>
}> {
  const sessions = createSessions<Data>({ store: memoryStore(), log: false })
  const app = new Koa()
  app.silent = true
  app.use(session(sessions, { cookie: { secure: false } }))
  app.use(async (ctx) => void (await use(ctx)))
  const { url, close } = await nodeServer((req, res) => void app.callback()(req, res))
  onTestFinished(close)
  return {
    sessions,
    get: (cookie = '') => fetch(url, { headers: { cookie } }),
    async begin() {
      const loaded = await sessions.load(undefined)
      loaded.data.n = 1
      return `sid=${(await loaded.commit()).cookieValue!}`
    },
  }
}

test('Koa’s own answer to an error, which removes all header fields, keeps the cookie of a completed sign-in', async () => {
  const { get, sessions } = await served(async (ctx) => {
    await ctx.session.login('ann')
    ctx.throw(418, 'mine')
  })
  const { status, headers } = await get()
  const cookie = /^sid=([\w-]{60});/.exec(headers.get('set-cookie') ?? '')?.[1]
  expect([status, headers.get('vary'), headers.get('cache-control')]).toEqual([418, 'Cookie', 'private, no-store'])
  expect((await sessions.load(cookie)).subject).toBe('ann')
})

test('an error object that several requests throw carries no cookie from one request to another', async () => {
  const shared = new Error('mine')
  let first = true
  const { get } = await served(async (ctx) => {
    if (first) await ctx.session.login('ann')
    first = false
    throw shared
  })
  const cookies = [await get(), await get()].map(({ headers }) => headers.getSetCookie().length)
  expect(cookies).toEqual([1, 0])
})

describe('changes are committed before the end of every kind of body:', () => {
  const bodies: Record<string, (change: () => void) => unknown> = {
    'a stream of Node': (change) => Readable.from(late(change), { objectMode: false }),
    'a web stream': (change) => ReadableStream.from(late(change)).pipeThrough(new TextEncoderStream()),
    'a Response': (change) => new Response(ReadableStream.from(late(change)).pipeThrough(new TextEncoderStream())),
  }
  test.each(Object.keys(bodies))('%s', async (kind) => {
    const { get, sessions, begin } = await served((ctx) => {
      void ctx.session.data
      ctx.body = bodies[kind]!(() => void (ctx.session.data['n'] = 2))
    })
    const cookie = await begin()
    expect(await (await get(cookie)).text()).toBe('ab')
    expect((await sessions.load(cookie.slice(4))).data).toEqual({ n: 2 })
  })

  test('a Blob keeps its length and type', async () => {
    const { get } = await served((ctx) => {
      ctx.session.data['n'] = 2
      ctx.body = new Blob(['abc'], { type: 'image/png' })
    })
    const response = await get()
    expect([
      await response.text(),
      response.headers.get('content-length'),
      response.headers.get('content-type'),
    ]).toEqual(['abc', '3', 'image/png'])
  })
})

async function* late(change: () => void): AsyncIterable<string> {
  yield 'a'
  change()
  yield 'b'
}

test('requests that do not pass through session() keep a ctx.session of their own', async () => {
  const sessions = createSessions<Data>({ store: memoryStore(), log: false })
  const ours = session(sessions, { cookie: { secure: false } })
  const app = new Koa()
  app.use((ctx, next) => (ctx.path === '/ours' ? ours(ctx as never, next) : next()))
  app.use((ctx: { path: string; session: unknown; body: unknown }) => {
    if (ctx.path === '/own') ctx.session = 'mine'
    ctx.body = { session: ctx.path === '/ours' ? typeof ctx.session : (ctx.session ?? 'none') }
  })
  const { url, close } = await nodeServer((req, res) => void app.callback()(req, res))
  onTestFinished(close)
  const seen: unknown[] = []
  for (const path of ['/ours', '/own', '/ours', '/none']) seen.push(await (await fetch(url + path)).json())
  expect(seen.map((body) => (body as { session: string }).session)).toEqual(['object', 'mine', 'object', 'none'])
})

test('what outer middleware changes after the handler is stored, with its cookie', async () => {
  const sessions = createSessions<Data>({ store: memoryStore(), log: false })
  const app = new Koa()
  app.use(async (ctx, next) => {
    await next()
    ctx.session.data['n'] = 2
  })
  app.use(session(sessions, { cookie: { secure: false } }))
  app.use((ctx) => void (ctx.body = 'page'))
  const { url, close } = await nodeServer((req, res) => void app.callback()(req, res))
  onTestFinished(close)
  const response = await fetch(url)
  const cookie = /^sid=([\w-]{60});/.exec(response.headers.get('set-cookie') ?? '')?.[1]
  expect([await response.text(), (await sessions.load(cookie)).data]).toEqual(['page', { n: 2 }])
})

test('a response that bypasses Koa is still private, and its changes are stored when it closes', async () => {
  const { get, sessions, begin } = await served((ctx) => {
    ctx.session.data['n'] = 2
    ctx.respond = false
    ctx.res.writeHead(200, { vary: 'Accept' })
    ctx.res.end('raw')
  })
  const cookie = await begin()
  const { headers } = await get(cookie)
  expect([headers.get('vary'), headers.get('cache-control')]).toEqual(['Accept, Cookie', 'private'])
  await expect.poll(async () => (await sessions.load(cookie.slice(4))).data).toEqual({ n: 2 })
})

describe('a commit that fails', () => {
  /** Serves middleware in front of the session and behind it, on a store that writes nothing. */
  async function failing(front: Middleware, behind: Middleware): Promise<Response> {
    const store = memoryStore()
    const sessions = createSessions({ store, log: false })
    const loaded = await sessions.load(undefined)
    loaded.data['n'] = 1
    const { cookieValue } = await loaded.commit()
    vi.spyOn(store, 'replace').mockRejectedValue(new Error('down'))
    const app = new Koa()
    app.silent = true
    app
      .use(front)
      .use(session(sessions, { cookie: { secure: false } }))
      .use(behind)
    const { url, close } = await nodeServer((req, res) => void app.callback()(req, res))
    onTestFinished(close)
    return fetch(url, { headers: { cookie: `sid=${cookieValue!}` } })
  }

  test('leaves no body and no success status if outer middleware swallows the error', async () => {
    const answer = await failing(
      (_ctx, next) => next().catch(() => {}),
      (ctx) => {
        ctx.session.data['n'] = 2
        ctx.body = { saved: true }
      },
    )
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error'])
  })

  test('does not replace the answer of outer middleware to an error of the handler', async () => {
    const answer = await failing(
      async (ctx, next) => {
        await next().catch(() => {})
        ctx.body = 'mended'
      },
      (ctx) => {
        ctx.session.data['n'] = 2
        throw new Error('mine')
      },
    )
    expect([answer.status, await answer.text()]).toEqual([200, 'mended'])
  })

  test('cuts a web stream short that has changed the session', async () => {
    const answer = await failing(
      (_ctx, next) => next(),
      (ctx) => {
        const { data } = ctx.session
        const pieces = async function* (): AsyncIterable<string> {
          yield 'a'
          data['n'] = 2
          yield 'b'
        }
        ctx.body = ReadableStream.from(pieces()).pipeThrough(new TextEncoderStream())
      },
    )
    await expect(answer.text()).rejects.toThrow('terminated')
  })
})

test('the errors for an assignment to ctx.session and for a second middleware say what to do', async () => {
  const seen: unknown[] = []
  const { get, sessions } = await served(async (ctx) => {
    try {
      Object.assign(ctx, { session: {} })
    } catch (error) {
      seen.push((error as Error).message)
    }
    await session(sessions)(ctx, async () => {}).catch((error: unknown) => seen.push((error as Error).message))
  })
  await get()
  expect(seen).toEqual([
    expect.stringContaining('ctx.session.data'),
    expect.stringContaining('use session() once per request'),
  ])
  expect(() => session(sessions, { cookie: { path: 'app' } })).toThrow(/^cookie.path /)
})
