import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { harnessOf, type Connection, type Harness } from '@sess/conformance'
import { startPostgres, type TestServer } from '@sess/test-servers'
import { pgStore, SCHEMA } from '../pg-store.ts'

/** Another client of a namespace: for the kit's other processes, too. @param url - Of a database with the table. */
export async function connect(url: string): Promise<Connection> {
  const pool = new Pool({ connectionString: url })
  return { store: pgStore(pool), close: () => pool.end() }
}

let server: Promise<TestServer> | undefined

/** Each namespace is a schema of one database. */
export const harness: Harness = harnessOf({
  name: 'pg',
  module: import.meta.url,
  connect,
  make: async () => {
    const { port } = await (server ??= startPostgres())
    const schema = `s${randomBytes(6).toString('hex')}`
    const url = `postgres://postgres@127.0.0.1:${port}/postgres?options=-csearch_path%3D${schema}`
    const admin = new Pool({ connectionString: url, max: 1 })
    await admin.query(`CREATE SCHEMA ${schema}; ${SCHEMA}`)
    return {
      argument: url,
      remove: async () => {
        await admin.query(`DROP SCHEMA ${schema} CASCADE`)
        await admin.end()
      },
    }
  },
})
