import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { listening, ROUTES, type Small } from './routes.ts'

/**
 * Serves the routes of a contestant on Fastify.
 *
 * @param prepare - Adds what gives a request its session.
 * @param data - The session's data, as an object that may be read and changed.
 */
export async function serveFastify(
  prepare: (app: FastifyInstance) => unknown,
  data: (request: FastifyRequest) => Small,
): Promise<void> {
  const app = fastify()
  await prepare(app)
  for (const [path, route] of Object.entries(ROUTES)) app.get(path, async (request) => route(() => data(request)))
  await app.listen({ host: '127.0.0.1', port: 0 })
  listening(app.server.address())
}
