import { Readable } from 'node:stream'
import { type HttpAnswer, type HttpHarness } from '@sess/conformance/http'
import { session } from '@sess/fastify'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'

function answered(reply: FastifyReply, { status = 200, headers = [], body }: HttpAnswer): FastifyReply {
  reply.code(status)
  for (const [name, value] of headers)
    if (name === 'vary' && reply.hasHeader(name)) reply.header(name, `${String(reply.getHeader(name))}, ${value}`)
    else reply.header(name, value)
  return reply.send(typeof body === 'object' ? Readable.from(body, { objectMode: false }) : body)
}

export const harness: HttpHarness = {
  name: 'Fastify',
  async serve(app) {
    const server = fastify({ trustProxy: app.trustProxy, forceCloseConnections: true })
    server.addHook('onRequest', async (_request, reply) => {
      for (const [name, value] of app.before) reply.header(name, value)
    })
    await server.register(session(app.sessions, { cookie: app.cookie, private: app.private }))
    server.addHook('onSend', async (_request, reply) => {
      for (const [name, value] of app.after) reply.header(name, value)
    })
    server.setErrorHandler(async (error, request, reply) =>
      answered(reply, await app.handleError(error, () => request.session)),
    )
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      answered(reply, await app.handle({ method: request.method, url: request.url, session: () => request.session }))
    server.all('/app', handler)
    server.all('/app/*', handler)
    return { url: await server.listen({ port: 0, host: '127.0.0.1' }), close: () => server.close() }
  },
}
