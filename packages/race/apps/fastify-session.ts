// @fastify/session, used as its documentation shows.
import { setTimeout as delay } from 'node:timers/promises'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fastify from 'fastify'
import { hostStore } from './host-store.ts'
import { announce, WORK_MS } from './process.ts'

declare module 'fastify' {
  interface Session {
    user?: string
    [key: string]: unknown
  }
}

const app = fastify()
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, Object.fromEntries(new URLSearchParams(String(body)))),
)
app.register(cookie)
app.register(session, {
  store: await hostStore(),
  secret: 'a secret with at least thirty-two characters',
  cookie: { secure: false },
  saveUninitialized: false,
})

/** @sess/fastify, which the same compiler run sees, gives `request.session` another type. */
const sessionOf = (request: object): session.FastifySessionObject =>
  (request as { readonly session: session.FastifySessionObject }).session

app.get('/get', (request) => ({ ...sessionOf(request), cookie: undefined }))

app.post<{ Body: { key: string; value: string } }>('/set', async (request) => {
  const { key, value } = request.body
  sessionOf(request)[key] = value
  await delay(WORK_MS)
  return {}
})

app.post<{ Body: { user: string } }>('/login', async (request) => {
  await sessionOf(request).regenerate()
  sessionOf(request).user = request.body.user
  return {}
})

app.post('/logout', async (request) => {
  await sessionOf(request).destroy()
  return {}
})

announce(Number(new URL(await app.listen({ port: Number(process.env['PORT'] ?? 0), host: 'localhost' })).port))
