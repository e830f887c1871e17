import { randomUUID } from 'node:crypto'
import { Client } from 'memjs'
import { harnessOf, type Connection, type Harness } from '@sess/conformance'
import type { TestServer } from '@sess/test-servers'
import { memcachedStore } from '../src/index.ts'

/** More patient than memjs by itself: the machine may be busy. To be copied, for memjs writes into its options. */
const PATIENCE = { timeout: 5, conntimeout: 5, logger: { log() {} } }

/** A client of servers on these ports. */
export function clientOf(...ports: number[]): Client {
  return Client.create(ports.map((port) => `127.0.0.1:${port}`).join(), { ...PATIENCE })
}

/** Another client of a namespace: for the kit's other processes, too. */
export async function connect(argument: string): Promise<Connection> {
  const { port, prefix } = JSON.parse(argument) as { port: number; prefix: string }
  const client = clientOf(port)
  return { store: memcachedStore(client, { prefix }), close: async () => client.close() }
}

/** Each namespace is a prefix on one server. */
export function harnessOn({ port }: TestServer): Harness {
  return harnessOf({
    name: 'memcached',
    module: import.meta.url,
    connect,
    make: async () => ({ argument: JSON.stringify({ port, prefix: `${randomUUID()}:` }) }),
  })
}
