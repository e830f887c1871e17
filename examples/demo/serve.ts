import { createServer, type Server } from 'node:http'
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { createApp, type AppOptions } from './app.ts'

/** Options of {@link serve}. */
export interface ServeOptions extends AppOptions {
  /** The port; 0: any free port. */
  readonly port: number
  /** The address to listen on. Default: both loopback addresses, so that `localhost` reaches this server by IPv4 and IPv6. */
  readonly host?: string
}

/** A running demo. */
export interface Served {
  /** The address, such as `http://localhost:3000`. */
  readonly url: string
  /** Waits for requests in flight, and then closes the port and the file. Idempotent. */
  close(): Promise<void>
}

const SWEEP_MS = 60_000
/** How long requests in flight may take after `close` was called, in ms. */
const GRACE_MS = 5_000

/**
 * Opens the file and listens.
 *
 * @throws The error of Node.js or SQLite if the port or the file cannot be used, with the `code` `EADDRINUSE` or `ERR_SQLITE_ERROR`.
 */
export async function serve({ port, host, ...options }: ServeOptions): Promise<Served> {
  mkdirSync(dirname(options.file), { recursive: true })
  const demo = createApp(options)
  let servers: Server[]
  try {
    servers = await listen(demo.app, port, host === undefined ? ['127.0.0.1', '::1'] : [host])
  } catch (error) {
    await demo.close()
    throw error
  }
  const sweeper = setInterval(() => demo.sweep(), SWEEP_MS)
  sweeper.unref()

  let closed: Promise<void> | undefined
  return {
    url: `http://localhost:${portOf(servers[0]!)}`,
    close: () =>
      (closed ??= (async () => {
        clearInterval(sweeper)
        demo.endStreams()
        await Promise.all(servers.map(stop))
        await demo.close()
      })()),
  }
}

/** Listens on the same port of each address. The second address is optional, since a machine may not have it. */
async function listen(
  app: Parameters<typeof createServer>[1],
  port: number,
  hosts: readonly string[],
): Promise<Server[]> {
  const [first, ...others] = hosts
  const servers = [await listenOn(app, port, first!)]
  for (const host of others) {
    try {
      servers.push(await listenOn(app, portOf(servers[0]!), host))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') continue
      await Promise.all(servers.map(stop))
      // A port that is free on one address may be in use on the other: try another port.
      if (code === 'EADDRINUSE' && port === 0) return listen(app, port, hosts)
      throw error
    }
  }
  return servers
}

function listenOn(app: Parameters<typeof createServer>[1], port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(app)
    server.once('error', reject)
    server.listen(port, host, () => resolve(server.off('error', reject)))
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
