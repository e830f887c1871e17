import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { listening, ROUTES, type Small } from './routes.ts'

/**
 * Serves the routes of a contestant on Hono, on Node.js.
 *
 * @param prepare - Adds what gives a request its session.
 * @param data - The session's data, as an object that may be read and changed.
 */
export function serveHono(prepare: (app: Hono) => unknown, data: (c: Context) => Small): void {
  const app = new Hono()
  prepare(app)
  for (const [path, route] of Object.entries(ROUTES)) app.get(path, (c) => c.json(route(() => data(c))))
  const listener = getRequestListener(app.fetch)
  const server = createServer((req, res) => void listener(req, res))
  server.listen(0, '127.0.0.1', () => listening(server.address()))
}
