import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/*
 * Below the ports that systems give to outgoing connections, from 32,768 on Linux: so no client takes a server's port while
 * the server restarts.
 */
const FIRST = 10_000
const LAST = 22_700

/** A port of 127.0.0.1 that nothing listens on. At random, for other processes look for one at the same time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST)
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
