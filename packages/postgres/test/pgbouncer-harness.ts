import { harnessOf, type Harness } from '@sess/conformance/harness'
import { startPgbouncer, type TestServer } from '@sess/test-servers'
import { connect, newSchema, server, type Target } from './harness.ts'

export { connect }

let started: Promise<TestServer> | undefined
const bouncer = async (): Promise<TestServer> =>
  (started ??= startPgbouncer(await server(), { default_pool_size: '3' }))

/** The store behind PgBouncer in transaction mode: all clients share three connections to the server. */
export const harness: Harness = harnessOf({
  name: 'postgres behind PgBouncer',
  module: import.meta.url,
  connect,
  make: async () => {
    const { port } = await bouncer()
    const { schema, admin } = await newSchema()
    return {
      argument: JSON.stringify({ port, schema } satisfies Target),
      remove: async () => {
        await admin.query(`DROP SCHEMA ${schema} CASCADE`)
        await admin.end()
      },
    }
  },
})
