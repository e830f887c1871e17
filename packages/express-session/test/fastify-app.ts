import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify, { type FastifyInstance } from 'fastify'
import type { SessStore } from '../src/index.ts'
import type { Gate, Served } from './browser.ts'

type Own = Record<string, unknown>

/** Serves an app on @fastify/session, as its documentation has it. */
export async function serveFastify(
  store: SessStore,
  options: Partial<session.FastifySessionOptions> = {},
  gate?: Gate,
): Promise<Served> {
  const app: FastifyInstance = fastify()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.register(cookie)
  app.register(session, {
    store,
    secret: 'a secret with at least thirty-two characters',
    cookie: { secure: false },
    saveUninitialized: false,
    ...options,
  })
  app.get('/get', (request) => ({ ...request.session, id: request.session.sessionId }))
  app.post('/set', async (request) => {
    Object.assign(request.session, request.body)
    return {}
  })
  // As many write it: not returning the reply, Fastify sends once more when the handler's promise resolves.
  app.post('/send', async (request, reply) => {
    Object.assign(request.session, request.body)
    reply.send('sent')
  })
  app.post('/set-slowly', async (request) => {
    Object.assign(request.session, request.body)
    await gate!.pass()
    return {}
  })
  app.post('/delete', async (request) => {
    for (const key of Object.keys(request.body as object)) delete (request.session as unknown as Own)[key]
    return {}
  })
  app.post('/login', async (request) => {
    await request.session.regenerate()
    Object.assign(request.session, request.body)
    return {}
  })
  app.post('/reload', async (request) => {
    Object.assign(request.session, { lost: 'yes' })
    await request.session.reload()
    Object.assign(request.session, request.body)
    return {}
  })
  app.post('/save', async (request) => {
    Object.assign(request.session, request.body)
    await request.session.save()
    Object.assign(request.session, { after: 'save' })
    return {}
  })
  app.post('/logout', async (request) => {
    await request.session.destroy()
    return {}
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, [Symbol.asyncDispose]: () => app.close() }
}
