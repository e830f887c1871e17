import { Readable } from 'node:stream'
import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { session, type SessionOptions } from '@sess/fastify'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'

const INSECURE: SessionOptions = { cookie: { secure: false } }

interface Data {
  n: number
}

async function app(
  options: SessionOptions = INSECURE,
): Promise<{ server: FastifyInstance; sessions: Sessions<Partial<Data>>; begin: () => Promise<string> }> {
  const sessions = createSessions<Data>({ store: memoryStore(), log: false })
  const server = fastify()
  onTestFinished(() => server.close())
  await server.register(session(sessions, options))
  return {
    server,
    sessions,
    async begin() {
      const loaded = await sessions.load(undefined)
      loaded.data.n = 1
      return `sid=${(await loaded.commit()).cookieValue!}`
    },
  }
}

async function fetched(server: FastifyInstance, path: string, cookie = ''): Promise<Response> {
  if (!server.server.listening) await server.listen({ port: 0, host: '127.0.0.1' })
  return fetch(`http://127.0.0.1:${(server.server.address() as { port: number }).port}${path}`, { headers: { cookie } })
}

const privacy = ({ headers }: Response): unknown[] => [headers.get('vary'), headers.get('cache-control')]

describe('a response that skips onSend is still private, and its changes are stored when it closes:', () => {
  test.each(['hijack', 'raw'])('%s', async (way) => {
    const { server, sessions, begin } = await app()
    server.get('/', (request, reply) => {
      request.session.data['n'] = 2
      if (way === 'hijack') reply.hijack()
      reply.raw.writeHead(200, { vary: 'Accept', 'content-type': 'text/plain' })
      reply.raw.end('raw')
    })
    const cookie = await begin()
    const response = await fetched(server, '/', cookie)
    expect([await response.text(), ...privacy(response)]).toEqual(['raw', 'Accept, Cookie', 'private'])
    await expect.poll(async () => (await sessions.load(cookie.slice(4))).data).toEqual({ n: 2 })
  })
})

test('a new session of a response that skips onSend gets its cookie if the head is sent with the last byte', async () => {
  const { server, sessions } = await app()
  server.get('/', (request, reply) => {
    request.session.data['n'] = 2
    reply.hijack()
    reply.raw.end('raw')
  })
  const response = await fetched(server, '/')
  const cookie = /^sid=([\w-]{60});/.exec(response.headers.get('set-cookie') ?? '')?.[1]
  expect([await response.text(), (await sessions.load(cookie)).data]).toEqual(['raw', { n: 2 }])
})

test('a first use after a head that was written by hand knows the caching fields of the head', async () => {
  const { server, sessions } = await app()
  const late: unknown[] = []
  sessions.on('uncacheable_late', (event) => void late.push(event))
  server.get<{ Params: { caching: string } }>('/:caching', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'cache-control': request.params.caching })
    void request.session.data
    reply.raw.end()
  })
  await fetched(server, '/private')
  expect(late).toEqual([])
  await fetched(server, '/public')
  expect(late).toEqual([{}])
})

describe('changes are committed before the end of every kind of body:', () => {
  const bodies: Record<string, (change: () => void) => unknown> = {
    'a stream of Node': (change) => Readable.from(late(change), { objectMode: false }),
    'a web stream': (change) => ReadableStream.from(late(change)).pipeThrough(new TextEncoderStream()),
    'a Response': (change) =>
      new Response(ReadableStream.from(late(change)).pipeThrough(new TextEncoderStream()), {
        status: 201,
        headers: { 'x-mine': 'a', vary: 'Accept' },
      }),
  }
  test.each(Object.keys(bodies))('%s', async (kind) => {
    const { server, sessions, begin } = await app()
    server.get('/', async (request, reply) => {
      void request.session.data
      return reply.send(bodies[kind]!(() => void (request.session.data['n'] = 2)))
    })
    const cookie = await begin()
    const response = await fetched(server, '/', cookie)
    expect(await response.text()).toBe('ab')
    expect((await sessions.load(cookie.slice(4))).data).toEqual({ n: 2 })
    if (kind === 'a Response')
      expect([response.status, response.headers.get('x-mine'), ...privacy(response)]).toEqual([
        201,
        'a',
        'Accept, Cookie',
        'private',
      ])
  })
})

async function* late(change: () => void): AsyncIterable<string> {
  yield 'a'
  change()
  yield 'b'
}

test('the instance that registers sessions and its children have them; another instance may register others', async () => {
  const sessions = createSessions({ store: memoryStore(), log: false })
  const server = fastify()
  onTestFinished(() => server.close())
  const seen = (request: object): string[] => [String('session' in request)]
  server.get('/out', async (request) => seen(request))
  await server.register(async (inner) => {
    await inner.register(session(sessions, INSECURE))
    await inner.register(async (below) => void below.get('/below', async (request) => seen(request)))
  })
  await server.register(async (inner) => {
    await inner.register(session(sessions, { cookie: { secure: false, name: 'other' } }))
    inner.get('/other', async (request) => {
      await request.session.login('ann')
      return seen(request)
    })
  })
  expect((await server.inject('/out')).json()).toEqual(['false'])
  expect((await server.inject('/below')).json()).toEqual(['true'])
  expect((await server.inject('/other')).headers['set-cookie']).toMatch(/^other=/)
})

test('the session is available in every hook from onRequest on, even if the body cannot be parsed', async () => {
  const { server } = await app()
  const seen: string[] = []
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)
    server.addHook(hook, async (request: FastifyRequest) => void seen.push(`${hook}: ${request.session.status}`))
  server.setErrorHandler(async (_error, request) => `error: ${request.session.status}`)
  server.post('/', async () => 'read')
  const headers = { 'content-type': 'application/json' }
  expect((await server.inject({ method: 'POST', url: '/', headers, payload: '{}' })).body).toBe('read')
  expect(seen).toEqual(['onRequest: new', 'preParsing: new', 'preValidation: new', 'preHandler: new'])
  expect((await server.inject({ method: 'POST', url: '/', headers, payload: '{' })).body).toBe('error: new')
})

test('the errors for an assignment to request.session and for a second plugin say what to do', async () => {
  const { server, sessions } = await app()
  server.get('/', async (request) => Object.assign(request, { session: {} }))
  const { message } = (await server.inject('/')).json<{ message: string }>()
  expect(message).toContain('request.session.data')
  const twice = fastify()
  onTestFinished(() => twice.close())
  await twice.register(session(sessions))
  await expect(twice.register(session(sessions))).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
  expect(() => session(sessions, { cookie: { path: 'app' } })).toThrow(/^cookie.path /)
})

test('a malformed URL, for which Fastify runs no hook, is answered as without sessions', async () => {
  const { server } = await app()
  const response = await server.inject('/%E0%A4%A')
  expect([response.statusCode, response.headers['vary']]).toEqual([400, undefined])
})
