import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify, { type FastifyInstance } from 'fastify'
import type { SessStore } from '../src/index.ts'
import type { Gate, Served } from './browser.ts'

type Own = Record<string, unknown>

/** @sess/fastify, which the same compiler run sees, gives `request.session` another type. */
const sessionOf = (request: object): session.FastifySessionObject =>
  (request as { readonly session: session.FastifySessionObject }).session

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
  app.get('/get', (request) => ({ ...sessionOf(request), id: sessionOf(request).sessionId }))
  app.post('/set', async (request) => {
    Object.assign(sessionOf(request), request.body)
    return {}
  })
  // As many write it: not returning the reply, Fastify sends once more when the handler's promise resolves.
  app.post('/send', async (request, reply) => {
    Object.assign(sessionOf(request), request.body)
    reply.send('sent')
  })
  app.post('/set-slowly', async (request) => {
    Object.assign(sessionOf(request), request.body)
    await gate!.pass()
    return {}
  })
  app.post('/delete', async (request) => {
    for (const key of Object.keys(request.body as object)) delete (sessionOf(request) as unknown as Own)[key]
    return {}
  })
  app.post('/login', async (request) => {
    await sessionOf(request).regenerate()
    Object.assign(sessionOf(request), request.body)
    return {}
  })
  app.post('/reload', async (request) => {
    Object.assign(sessionOf(request), { lost: 'yes' })
    await sessionOf(request).reload()
    Object.assign(sessionOf(request), request.body)
    return {}
  })
  app.post('/save', async (request) => {
    Object.assign(sessionOf(request), request.body)
    await sessionOf(request).save()
    Object.assign(sessionOf(request), { after: 'save' })
    return {}
  })
  app.post('/logout', async (request) => {
    await sessionOf(request).destroy()
    return {}
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, [Symbol.asyncDispose]: () => app.close() }
}
