import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { isCrossOrigin, sessionCookie } from '@sess/http'
import { WebSocketServer } from 'ws'
import { onceEnded, type AppSessions, type Watching } from './watching.ts'

/** A close code from the range for applications. @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2 */
const SESSION_ENDED = 4401

/** Serves WebSockets at `/ws`, with `ws`. */
export function serveWebSockets(server: Server, sessions: AppSessions, watching: Watching): void {
  const cookie = sessionCookie(sessions)
  const sockets = new WebSocketServer({ noServer: true })

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Browsers let any page open a WebSocket to any host, with that host's cookies.
    if (isCrossOrigin(request)) return refuse(socket, '403 Forbidden')
    const session = await cookie.load(request.headers.cookie)
    const { subject } = session
    if (subject === undefined) return refuse(socket, '401 Unauthorized')
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const closed = new AbortController()
      webSocket.on('close', () => closed.abort())
      webSocket.send(subject)
      onceEnded(sessions, session, watching, closed.signal, (reason) => webSocket.close(SESSION_ENDED, reason))
    })
  }

  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/ws') return
    // A listener until `ws` adds its own.
    socket.on('error', () => socket.destroy())
    // The store does not answer. Nobody is signed out, and the client may try again.
    upgrade(request, socket, head).catch(() => refuse(socket, '503 Service Unavailable'))
  })
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
