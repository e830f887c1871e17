import type { Connection, Harness } from '../../src/harness.ts'
import { WireClient } from './client.ts'
import { wireOf } from './harness.ts'
import { KvServer } from './kv-server.ts'
import { KvStore } from './kv-store.ts'

/** Another client of a server, by its port. The module that the kit's other processes load is this one. */
export async function connect(port: string): Promise<Connection> {
  const client = new WireClient(Number(port))
  return { store: new KvStore(client), close: () => client.close() }
}

/** A store that reads before it writes, over a socket. */
export const harness: Harness = {
  ...wireOf({ serve: () => new KvServer(), store: (client) => new KvStore(client), module: import.meta.url }),
  name: 'kv',
}
