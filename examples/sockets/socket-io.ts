import type { Server } from 'node:http'
import { isCrossOrigin, sessionCookie } from '@sess/http'
import { Server as SocketIo } from 'socket.io'
import { onceEnded, type AppSessions, type Watching } from './watching.ts'

/** Serves Socket.IO, over WebSockets and over long polling. */
export function serveSocketIo(server: Server, sessions: AppSessions, watching: Watching): void {
  const cookie = sessionCookie(sessions)
  const io = new SocketIo(server, {
    allowRequest: (request, decide) => decide(null, !isCrossOrigin(request)),
    // Socket.IO must not end other upgrades of this server.
    destroyUpgrade: false,
  })
  io.use((socket, next) => {
    cookie.load(socket.request.headers.cookie).then((session) => {
      const { subject } = session
      if (subject === undefined) return next(new Error('nobody is signed in'))
      const closed = new AbortController()
      socket.on('disconnect', () => closed.abort())
      onceEnded(sessions, session, watching, closed.signal, (reason) => {
        socket.emit('ended', reason)
        // `true` also closes the connection. A client that the server has disconnected does not reconnect.
        socket.disconnect(true)
      })
      socket.data = { subject }
      next()
    }, next)
  })
  io.on('connection', (socket) => socket.emit('hello', (socket.data as { subject: string }).subject))
}
