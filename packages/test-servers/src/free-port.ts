import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/*
 * Below the ports of outgoing connections (from 32,768 on Linux), so that no client takes the port of a server while it
 * restarts.
 */
const FIRST = 10_000
const LAST = 22_700

/** Finds a free port of 127.0.0.1. The choice is random, because other processes look for ports at the same time. */
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
