import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import driver from 'pg/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startPostgres, type TestServer } from '@sess/test-servers'
import manifest from '../package.json' with { type: 'json' }
import { pgStore, SCHEMA } from '../pg-store.ts'

function poolOf(url: string): Pool {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {}) // an idle connection that was lost: the next call opens another
  return pool
}

/** Another client of a namespace: for the kit's other processes, too. @param url - Of a database with the table. */
export async function connect(url: string): Promise<Connection> {
  const pool = poolOf(url)
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

let started: Promise<TestServer> | undefined
const server = (): Promise<TestServer> => (started ??= startPostgres())

/**
 * Each namespace is a schema of one database, whose server is started with the first and goes with this process. The store
 * on trial speaks to it through a proxy.
 */
export const harness: Harness = harnessOf({
  name: 'pg',
  module: import.meta.url,
  connect,
  make: async () => {
    const postgres = await server()
    const { port } = postgres
    const schema = `s${randomBytes(6).toString('hex')}`
    const url = (at: number): string => `postgres://postgres@127.0.0.1:${at}/postgres?options=-csearch_path%3D${schema}`
    const faults = new SocketFaults()
    const proxy = await faults.listen(postgres)
    const admin = poolOf(url(port))
    await admin.query(`CREATE SCHEMA ${schema}; ${SCHEMA}`)
    return {
      argument: url(port),
      faulty: { faults, argument: url(proxy) },
      raw: rawOf(admin),
      restart: async () => {
        process.kill(postgres.pid!, 'SIGINT') // ends connections, and then itself
        while (postgres.pid !== undefined) await delay(20)
        await postgres.restart()
      },
      remove: async () => {
        await faults.close()
        await admin.query(`DROP SCHEMA ${schema} CASCADE`)
        await admin.end()
      },
    }
  },
  versions: async () => {
    const admin = poolOf(`postgres://postgres@127.0.0.1:${(await server()).port}/postgres`)
    const { rows } = await admin.query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
    await admin.end()
    return { [manifest.name]: manifest.version, pg: driver.version, PostgreSQL: rows[0]!.version }
  },
})
