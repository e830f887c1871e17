import { randomUUID } from 'node:crypto'
// import { SocketFaults } from '@sess/conformance/faults'
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { myStore } from '../src/index.ts'

/** Makes another client of a namespace. The kit's other processes call it too. */
export async function connect(prefix: string): Promise<Connection> {
  const client = {} // a client of the driver, connected to a test server; close() must close it
  return {
    store: myStore(client, { prefix }),
    close: async () => {},
    // ping: () => client.ping(), // shows that the client still works after the store was closed
  }
}

/** Each namespace is a prefix. */
export const harness: Harness = harnessOf({
  name: 'my',
  module: import.meta.url,
  connect,
  // If the harness starts a server: called once per run. Other processes import this module, and do not call it.
  // begin: async () => { server = await start() },
  // end: () => server.stop(),
  make: async () => {
    // A proxy that cuts connections. Only the store under test connects through its port.
    // const faults = new SocketFaults()
    // const port = await faults.listen({ port: 6379 })
    return {
      argument: `${randomUUID()}:`,
      // faulty: { faults, argument: `through ${port}` },
      // Access to the stored bytes without the store: for damaged records, and to search the stored bytes for secrets.
      // raw: {
      //   read: async (key) => undefined,
      //   write: async (key, bytes) => {},
      //   dump: async () => Buffer.concat([]),
      // },
      // A failover that leaves connections up: the server becomes a read-only replica, and a master again.
      // demotion: { demote: async () => {}, promote: async () => {} },
      // remove: () => faults.close(),
    }
  },
  // versions: async () => ({ 'sess-my': '0.0.0', driver: '1.0.0', server: '1.0.0' }),
})
