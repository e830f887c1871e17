import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance'
import { SocketFaults } from '@sess/conformance/faults'
import { startPostgres, type TestServer } from '@sess/test-servers'
import { pgStore, SCHEMA } from '../pg-store.ts'

/** Another client of a namespace: for the kit's other processes, too. @param url - Of a database with the table. */
export async function connect(url: string): Promise<Connection> {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {}) // an idle connection that was lost: the next call opens another
  return { store: pgStore(pool), close: () => pool.end() }
}

/** The table, past the store. */
function rawOf(pool: Pool): Raw {
  const row = 'FROM sess_sessions WHERE tag = $1 AND id = $2'
  return {
    read: async ({ tag, id }) =>
      (await pool.query<{ payload: Buffer }>(`SELECT payload ${row}`, [tag, id])).rows[0]?.payload,
    write: async ({ tag, id }, bytes) =>
      void (await pool.query('UPDATE sess_sessions SET payload = $3 WHERE tag = $1 AND id = $2', [tag, id, bytes])),
    dump: async () => {
      const { rows } = await pool.query<Record<string, Buffer | string | number | null>>('SELECT * FROM sess_sessions')
      const cells = rows.flatMap((row) => Object.values(row))
      return Buffer.concat(cells.map((cell) => (Buffer.isBuffer(cell) ? cell : Buffer.from(`${cell} `))))
    },
  }
}

let server: Promise<TestServer> | undefined

/** Each namespace is a schema of one database. The store on trial speaks to it through a proxy. */
export const harness: Harness = harnessOf({
  name: 'pg',
  module: import.meta.url,
  connect,
  make: async () => {
    const { port } = await (server ??= startPostgres())
    const schema = `s${randomBytes(6).toString('hex')}`
    const url = (at: number): string => `postgres://postgres@127.0.0.1:${at}/postgres?options=-csearch_path%3D${schema}`
    const faults = new SocketFaults()
    const proxy = await faults.listen({ port })
    const admin = new Pool({ connectionString: url(port), max: 1 })
    await admin.query(`CREATE SCHEMA ${schema}; ${SCHEMA}`)
    return {
      argument: url(port),
      faulty: { faults, argument: url(proxy) },
      raw: rawOf(admin),
      remove: async () => {
        await faults.close()
        await admin.query(`DROP SCHEMA ${schema} CASCADE`)
        await admin.end()
      },
    }
  },
})
