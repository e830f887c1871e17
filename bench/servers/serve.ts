import express, { type Express, type Request } from 'express'
import { answerMeasurements } from './profiled.ts'

/** What a route knows of its session. */
export interface Small {
  user?: string
  theme?: string
  n?: number
}

/**
 * Serves the routes that every contestant has: `/start` makes a session, `/read` reads it, `/write` changes one number.
 *
 * @param prepare - Adds what gives a request its session.
 * @param data - The session's data, as an object that may be read and changed.
 */
export function serve(prepare: (app: Express) => void, data: (req: Request) => Small): void {
  const app = express()
  prepare(app)
  app.get('/start', (req, res) => {
    Object.assign(data(req), { user: 'ann', theme: 'dark', n: 0 })
    res.json({})
  })
  app.get('/read', (req, res) => {
    const { user, n } = data(req)
    res.json({ user, n })
  })
  app.get('/write', (req, res) => {
    data(req).n = Math.random()
    res.json({})
  })
  const server = app.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send!(typeof address === 'object' ? address!.port : undefined)
  })
  answerMeasurements()
  process.once('disconnect', () => process.exit())
  process.once('SIGTERM', () => process.exit())
}
