import { randomUUID } from 'node:crypto'
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { myStore } from '../src/index.ts'

/** Another client of a namespace: for the kit's other processes, too. */
export async function connect(prefix: string): Promise<Connection> {
  const client = {} // the driver's, of a server for tests; close() must end it
  return { store: myStore(client, { prefix }), close: async () => {} }
}

/** Each namespace is a prefix. */
export const harness: Harness = harnessOf({
  name: 'my',
  module: import.meta.url,
  connect,
  make: async () => ({ argument: `${randomUUID()}:` }),
})
