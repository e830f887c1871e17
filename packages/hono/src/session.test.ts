import { getRequestListener } from '@hono/node-server'
import { nodeServer } from '@sess/conformance/http'
import { createSessions, memoryStore } from '@sess/core'
import { session, type SessionVariables } from '@sess/hono'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { streamText } from 'hono/streaming'
import { expect, onTestFinished, test } from 'vitest'

const sessions = createSessions<{ n: number }>({ store: memoryStore(), log: false })
type Variables = SessionVariables<Partial<{ n: number }>>
const withSessions = (): Hono<{ Variables: Variables }> => new Hono<{ Variables: Variables }>().use(session(sessions))

async function begin(): Promise<{ headers: { cookie: string }; data: () => Promise<object> }> {
  const loaded = await sessions.load(undefined)
  loaded.data.n = 1
  const { cookieValue } = await loaded.commit()
  return {
    headers: { cookie: `__Host-sid=${cookieValue!}` },
    data: async () => ({ ...(await sessions.load(cookieValue)).data }),
  }
}

test.each(['in front', 'behind'])(
  'CORS and compression %s keep their fields, and the session its own',
  async (where) => {
    const app = new Hono<{ Variables: Variables }>()
    const others = [cors({ origin: 'https://a.example', credentials: true }), compress({ threshold: 0 })]
    if (where === 'in front') app.use(...others)
    app.use(session(sessions))
    if (where === 'behind') app.use(...others)
    app.get('/', (c) => {
      c.get('session').data.n = 2
      return c.text('a'.repeat(2000))
    })
    const response = await app.request('https://shop.example/', {
      headers: { origin: 'https://a.example', 'accept-encoding': 'gzip' },
    })
    const { headers } = response
    const vary = (headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase())
    expect([headers.get('access-control-allow-origin'), headers.get('content-encoding')]).toEqual([
      'https://a.example',
      'gzip',
    ])
    expect(vary).toEqual(expect.arrayContaining(['cookie', 'origin']))
    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sid=[\w-]{60};/)])
  },
)

test('a Headers object that an application shares between responses is not changed', async () => {
  const shared = new Headers({ 'content-type': 'text/plain' })
  const app = new Hono<{ Variables: Variables }>()
    .use(session(sessions, { cookie: { secure: false } }))
    .get('/', (c) => {
      c.get('session').data.n = 2
      return new Response('text', { headers: shared, status: 201 })
    })
  // From here on `Response` is the listener's own, which keeps the text and the fields that it is given.
  const listener = getRequestListener(app.fetch)
  const { url, close } = await nodeServer((req, res) => void listener(req, res))
  onTestFinished(close)
  const response = await fetch(url)
  expect([response.status, await response.text(), response.headers.get('content-length')]).toEqual([201, 'text', '4'])
  expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=[\w-]{60};/)])
  expect([...shared.keys()]).toEqual(['content-type'])
})

test('what the callback of a streaming helper changes is stored at the end of the stream', async () => {
  const app = withSessions().get('/', (c) => {
    const { data } = c.get('session')
    return streamText(c, async (stream) => {
      await stream.write('a')
      data.n = 2
      await stream.write('b')
    })
  })
  const { headers, data } = await begin()
  expect(await (await app.request('/', { headers })).text()).toBe('ab')
  expect(await data()).toEqual({ n: 2 })
})

test('what the handler of app.notFound changes is stored', async () => {
  const app = withSessions().notFound((c) => {
    c.get('session').data.n = 3
    return c.text('none', 404)
  })
  const { headers, data } = await begin()
  const response = await app.request('/nowhere', { headers })
  expect([response.status, response.headers.get('vary'), await data()]).toEqual([404, 'Cookie', { n: 3 }])
})

test('the error for a second session middleware says what to do', async () => {
  const app = withSessions().use(session(sessions))
  app.onError((error, c) => c.text(error.message, 500))
  expect(await (await app.request('/')).text()).toContain('use session() once per request')
  expect(() => session(sessions, { cookie: { path: 'app' } })).toThrow(/^cookie.path /)
})
