import { createServer, type Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { isCrossOrigin } from '@sess/http'
import { session } from '@sess/express'
import express, { type Request, type Response } from 'express'
import { serverSentEvents } from './server-sent-events.ts'
import { serveSocketIo } from './socket-io.ts'
import type { AppSessions, Watching } from './watching.ts'
import { serveWebSockets } from './web-sockets.ts'

declare module '@sess/express' {
  interface Register {
    sessions: AppSessions
  }
}

/** Makes a server with sign-in and sign-out by HTTP requests, and three kinds of sockets that close when their session ends. */
export function createApp(sessions: AppSessions, watching: Watching): Server {
  const app = express()
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))
  app.use((req, res, next) => {
    if (isCrossOrigin(req)) res.sendStatus(403)
    else next()
  })
  app.use(session(sessions), express.urlencoded())

  app.get('/me', (req, res) => res.json({ user: req.session.subject ?? null }))
  app.post('/login', async (req, res) => {
    await req.session.login(checkPassword(req))
    back(res)
  })
  app.post('/logout', async (req, res) => {
    await req.session.logout() // closes the sockets of every tab that has this session
    back(res)
  })
  app.post('/logout-everywhere', async (req, res) => {
    const { subject } = req.session
    if (subject !== undefined) await sessions.revokeSubject(subject) // closes the sockets of every browser
    back(res)
  })
  app.get('/events', serverSentEvents(sessions, watching))

  const server = createServer(app)
  serveWebSockets(server, sessions, watching)
  serveSocketIo(server, sessions, watching)
  return server
}

function back(res: Response): void {
  res.redirect(303, '/')
}

/** Yours: against stored password hashes. */
function checkPassword(req: Request): string {
  const { user } = req.body as { user?: string }
  return user || 'ann'
}
