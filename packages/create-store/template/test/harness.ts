import { randomUUID } from 'node:crypto'
// import { SocketFaults } from '@sess/conformance/faults'
import { harnessOf, type Connection, type Harness } from '@sess/conformance/harness'
import { myStore } from '../src/index.ts'

/** Another client of a namespace: for the kit's other processes, too. */
export async function connect(prefix: string): Promise<Connection> {
  const client = {} // the driver's, of a server for tests; close() must end it
  return {
    store: myStore(client, { prefix }),
    close: async () => {},
    // ping: () => client.ping(), // whether the client is of use still, after the store on it was closed
  }
}

/** Each namespace is a prefix. */
export const harness: Harness = harnessOf({
  name: 'my',
  module: import.meta.url,
  connect,
  // The server, where the harness starts one: once for a whole run. Other processes import this module, and begin nothing.
  // begin: async () => { server = await start() },
  // end: () => server.stop(),
  make: async () => {
    // A proxy that loses connections. Its port goes into the argument of the store on trial alone.
    // const faults = new SocketFaults()
    // const port = await faults.listen({ port: 6379 })
    return {
      argument: `${randomUUID()}:`,
      // faulty: { faults, argument: `through ${port}` },
      // The stored bytes, past the store: for damaged records, and to search what is stored for secrets.
      // raw: {
      //   read: async (key) => undefined,
      //   write: async (key, bytes) => {},
      //   dump: async () => Buffer.concat([]),
      // },
      // remove: () => faults.close(),
    }
  },
  // versions: async () => ({ 'sess-my': '0.0.0', driver: '1.0.0', server: '1.0.0' }),
})
