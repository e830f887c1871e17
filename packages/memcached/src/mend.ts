import type { Socket } from 'node:net'
import type { MemcachedServer } from './client.ts'

/** Whether a request has left this process. */
export interface Sending {
  sent: boolean
}

/** A server of memjs whose faults are mended. */
export interface Mended {
  /** Writes what is written meanwhile at once. What leaves, then or later, marks `sending`. */
  together<T>(sending: Sending, write: () => T): T
}

/** Where memjs keeps the connection of a server. */
const SOCKET = '_socket'

/** What there is of a `Server` of memjs beside its types. */
interface Internals {
  [SOCKET]?: Socket
  responseBuffer: Buffer
  error(error: Error): void
  sock(sasl: boolean, go: (socket: Socket) => void): void
  removeAllListeners(event: string): void
}

const mended = new WeakMap<MemcachedServer, Mended>()

/**
 * Mends how memjs 1.3.2 changes connections, once for each server, and for all who use it. As it is:
 *
 * - half a reply, read before a connection broke, stays in the buffer, and what comes next is read as its other half;
 * - a connection that timed out is not closed: its late replies mix with those of the next, and its request may be written
 *   to the next, long after it was reported as failed;
 * - the end of a connection undoes the one that took its place, and an end in good order leaves requests without an answer;
 * - the second of two requests waits in this machine until the first is answered.
 *
 * So: one connection at a time; what was asked on it fails with it, and is not written to another; a new one begins with an
 * empty buffer.
 */
export function mend(server: MemcachedServer): Mended {
  const known = mended.get(server)
  if (known) return known
  const internals = server as unknown as Internals
  const { sock, error } = internals
  let current: Socket | undefined
  let sending: Sending | undefined

  const adopt = (): void => {
    const socket = internals[SOCKET]
    if (!socket || socket === current) return
    current = socket
    // Else the second of two requests waits for the reply to the first.
    socket.setNoDelay(true)
    const lost = (cause: Error): void => {
      if (internals[SOCKET] === socket) internals.error(cause)
    }
    socket.removeAllListeners('error').on('error', lost)
    socket.removeAllListeners('close').on('close', () => lost(new Error('the connection was closed')))
  }

  internals.sock = (sasl, go) => {
    const marked = sending
    if (!internals[SOCKET]) internals.responseBuffer = Buffer.alloc(0)
    sock.call(server, sasl, (socket) => {
      if (marked) marked.sent = true
      go(socket)
    })
    adopt()
  }
  internals.error = (cause) => {
    current?.destroy()
    internals.responseBuffer = Buffer.alloc(0)
    // Whoever waits for a sign-in by SASL would write to the next connection.
    internals.removeAllListeners('authenticated')
    error.call(server, cause)
  }
  adopt()

  const state: Mended = {
    together: (marked, write) => {
      const socket = internals[SOCKET]
      sending = marked
      socket?.cork()
      try {
        return write()
      } finally {
        socket?.uncork()
        sending = undefined
      }
    },
  }
  mended.set(server, state)
  return state
}
