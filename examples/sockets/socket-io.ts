import type { Server } from 'node:http'
import { isCrossOrigin, sessionCookie } from '@sess/http'
import { Server as SocketIo } from 'socket.io'
import { onceEnded, type AppSessions, type Watching } from './watching.ts'

/** Serves Socket.IO, over WebSockets and over requests that wait. */
export function serveSocketIo(server: Server, sessions: AppSessions, watching: Watching): void {
  const cookie = sessionCookie(sessions)
  const io = new SocketIo(server, {
    allowRequest: (request, decide) => decide(null, !isCrossOrigin(request)),
    // Other upgrades of this server are not Socket.IO's to end.
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
        // The connection with it: a client that was ended by the server does not come back by itself.
        socket.disconnect(true)
      })
      socket.data = { subject }
      next()
    }, next)
  })
  io.on('connection', (socket) => socket.emit('hello', (socket.data as { subject: string }).subject))
}
