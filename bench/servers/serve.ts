import express, { type Express, type Request } from 'express'
import { listening, ROUTES, type Small } from './routes.ts'

export type { Small } from './routes.ts'

/**
 * Serves the routes of a contestant on Express.
 *
 * @param prepare - Adds what gives a request its session.
 * @param data - The session's data, as an object that may be read and changed.
 */
export function serve(prepare: (app: Express) => void, data: (req: Request) => Small): void {
  const app = express()
  prepare(app)
  for (const [path, route] of Object.entries(ROUTES)) app.get(path, (req, res) => void res.json(route(() => data(req))))
  const server = app.listen(0, '127.0.0.1', () => listening(server.address()))
}
