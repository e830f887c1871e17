import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import type { Connection, Harness } from '@sess/conformance'
import { startPostgres, type TestServer } from '@sess/test-servers'
import { pgStore, SCHEMA } from '../pg-store.ts'

/** Another client of a namespace: for the kit's other processes, too. @param url - Of a database with the table. */
export async function connect(url: string): Promise<Connection> {
  const pool = new Pool({ connectionString: url })
  return { store: pgStore(pool), close: () => pool.end() }
}

let server: Promise<TestServer> | undefined

/** Each namespace is a schema of one database. */
export const harness: Harness = {
  name: 'pg',
  process: { module: import.meta.url },
  open: async () => {
    const { port } = await (server ??= startPostgres())
    const schema = `s${randomBytes(6).toString('hex')}`
    const url = `postgres://postgres@127.0.0.1:${port}/postgres?options=-csearch_path%3D${schema}`
    const admin = new Pool({ connectionString: url, max: 1 })
    await admin.query(`CREATE SCHEMA ${schema}; ${SCHEMA}`)
    const connections = [await connect(url)]
    return {
      store: connections[0]!.store,
      argument: url,
      connect: async () => {
        const connection = await connect(url)
        connections.push(connection)
        return connection.store
      },
      close: async () => {
        for (const { close } of connections) await close()
        await admin.query(`DROP SCHEMA ${schema} CASCADE`)
        await admin.end()
      },
    }
  },
}
