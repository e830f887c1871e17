import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** A range of ports. */
export interface PortRange {
  /** The first port, an even number. */
  readonly first: number
  /** The end of the range: the port after its last port. */
  readonly last: number
}

/** By default, systems do not use these ports for outgoing connections, which would take the port of a proxy that is down. */
const PROXY_PORTS: PortRange = { first: 5000, last: 10_000 }

/** How often a reservation looks for a free pair of ports. */
const TRIES = 1000

/** A port of 127.0.0.1 that nobody else reserves, even while nothing listens on it. */
export interface ReservedPort {
  readonly port: number
  /** Lets others have the port. */
  release(): Promise<void>
}

/**
 * Reserves a port of 127.0.0.1, for a server or a proxy that a test stops and starts again. Ports that others reserve by this function, in
 * other processes too, are never this one, until `release` is called or this process ends. Otherwise a server of another
 * test could get the port while nothing listens on it, and clients that connect again would get the answers of that server.
 *
 * The port is even. The reservation is a listener on the odd port after it, which does not keep this process alive.
 *
 * @param range - Where to look. Default: 5000 to 9999.
 * @throws {Error} If no pair of ports in the range is free.
 *
 * @example
 * const { port, release } = await reservePort()
 */
export async function reservePort({ first, last }: PortRange = PROXY_PORTS): Promise<ReservedPort> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = first + 2 * randomInt((last - first) / 2)
    const guard = createServer((socket) => socket.destroy()).unref()
    if (!(await listens(guard, port + 1))) continue
    const probe = createServer()
    if (await listens(probe, port)) {
      await closed(probe)
      return { port, release: () => closed(guard) }
    }
    await closed(guard)
  }
  throw new Error(`no port from ${first} to ${last} of 127.0.0.1 is free`)
}

/** Makes a server listen. @returns False if the port is taken. */
export async function listens(server: Server, port: number): Promise<boolean> {
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

/** Ends a server that listens. */
export async function closed(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
