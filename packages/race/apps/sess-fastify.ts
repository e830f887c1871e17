// @sess/fastify.
import type { Session } from '@sess/core'
import { session } from '@sess/fastify'
import fastify, { type FastifyRequest } from 'fastify'
import { announce } from './process.ts'
import { answer, sessions, type Data } from './sess-routes.ts'

const own = (request: FastifyRequest): Session<Partial<Data>> =>
  (request as unknown as { session: Session<Partial<Data>> }).session

const app = fastify()
app.register(session(sessions))
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) =>
  done(null, Object.fromEntries(new URLSearchParams(String(text)))),
)
app.all('/*', async (request, reply) => {
  const { status, body } = await answer(request.url, (request.body ?? {}) as Data, own(request))
  return reply.code(status).send(body)
})

await app.listen({ host: 'localhost', port: Number(process.env['PORT'] ?? 0) })
announce((app.server.address() as { port: number }).port)
