import type { Socket } from 'node:net'
import type { MemcachedServer } from './client.ts'

/** Tells whether a request has left this process. */
export interface Sending {
  sent: boolean
}

/** A server of memjs whose connection handling is repaired. */
export interface RepairedServer {
  /**
   * Pipelines the requests that `write` makes: they leave this process in one packet. `sending.sent` becomes true when a request leaves,
   * during the call or later.
   */
  pipeline<T>(sending: Sending, write: () => T): T
}

/** The property of a server of memjs that holds its connection. */
const SOCKET = '_socket'

/** The members of a `Server` of memjs that its types lack. */
interface Internals {
  [SOCKET]?: Socket
  responseBuffer: Buffer
  error(error: Error): void
  sock(sasl: boolean, go: (socket: Socket) => void): void
  removeAllListeners(event: string): void
}

const repaired = new WeakMap<MemcachedServer, RepairedServer>()

/**
 * Repairs how memjs 1.3.2 handles connections. It changes each server object once, for all code that uses the client. Without the
 * repair:
 *
 * - half a reply, read before a connection broke, stays in the buffer, and the next reply is read as its other half;
 * - a connection that timed out is not closed: its late replies mix with those of the next connection, and its request may
 *   be written to the next connection, long after the request was reported as failed;
 * - the `close` event of an old connection removes the new one, and a connection that the server ends leaves its requests
 *   without an answer;
 * - Nagle's algorithm holds the second of two requests back until the first is answered.
 *
 * With the repair a server has one connection at a time, a lost connection fails its requests, no request is written to another
 * connection, and a new connection starts with an empty buffer.
 */
export function repairConnections(server: MemcachedServer): RepairedServer {
  const known = repaired.get(server)
  if (known) return known
  const internals = server as unknown as Internals
  const { sock, error } = internals
  let current: Socket | undefined
  let sending: Sending | undefined

  const adopt = (): void => {
    const socket = internals[SOCKET]
    if (!socket || socket === current) return
    current = socket
    // Otherwise Nagle's algorithm delays the second of two requests until the reply to the first.
    socket.setNoDelay(true)
    const lost = (cause: Error): void => {
      if (internals[SOCKET] === socket) internals.error(cause)
    }
    socket.removeAllListeners('error').on('error', lost)
    socket.removeAllListeners('close').on('close', () => lost(new Error('the connection was closed')))
  }

  internals.sock = (sasl, go) => {
    const request = sending
    if (!internals[SOCKET]) internals.responseBuffer = Buffer.alloc(0)
    sock.call(server, sasl, (socket) => {
      if (request) request.sent = true
      go(socket)
    })
    adopt()
  }
  internals.error = (cause) => {
    current?.destroy()
    internals.responseBuffer = Buffer.alloc(0)
    // Otherwise a request that waits for the authentication (SASL) would be written to the next connection.
    internals.removeAllListeners('authenticated')
    error.call(server, cause)
  }
  adopt()

  const state: RepairedServer = {
    pipeline: (request, write) => {
      const socket = internals[SOCKET]
      sending = request
      socket?.cork()
      try {
        return write()
      } finally {
        socket?.uncork()
        sending = undefined
      }
    },
  }
  repaired.set(server, state)
  return state
}
