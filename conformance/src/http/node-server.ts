/// <reference types="node" preserve="true" />
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpServed } from './contract.ts'

/** Serves a listener by the HTTP server of Node.js, on a free port, for a harness whose framework gives a listener. */
export async function nodeServer(listener: RequestListener): Promise<HttpServed> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
