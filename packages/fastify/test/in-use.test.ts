import { Readable } from 'node:stream'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import { session } from '@sess/fastify'
import fastify from 'fastify'
import { ORIGIN, inUse } from '../../http/test/in-use.ts'

inUse('Fastify', async (sessions, order, routes) => {
  const app = fastify({ forceCloseConnections: true })
  const others = async (): Promise<void> => {
    await app.register(cors, { origin: [ORIGIN], credentials: true })
    await app.register(compress)
  }
  if (order === 'in front') await others()
  await app.register(session(sessions, { cookie: { secure: false } }))
  if (order === 'behind') await others()
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
  for (const { path, type, answer } of routes)
    app.all(path, async (request, reply) => {
      const body = await answer(() => request.session)
      return reply.type(type).send(typeof body === 'string' ? body : Readable.from(body, { objectMode: false }))
    })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
})
