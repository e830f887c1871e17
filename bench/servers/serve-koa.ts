import Koa, { type Context } from 'koa'
import { listening, ROUTES, type Small } from './routes.ts'

/**
 * Serves the routes of a contestant on Koa.
 *
 * @param prepare - Adds what gives a request its session.
 * @param data - The session's data, as an object that may be read and changed.
 */
export function serveKoa(prepare: (app: Koa) => unknown, data: (ctx: Context) => Small): void {
  const app = new Koa()
  prepare(app)
  app.use((ctx) => {
    const route = ROUTES[ctx.path]
    if (route) ctx.body = route(() => data(ctx))
  })
  const server = app.listen(0, '127.0.0.1', () => listening(server.address()))
}
