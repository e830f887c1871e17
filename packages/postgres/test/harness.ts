import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import driver from 'pg/package.json' with { type: 'json' }
import { harnessOf, type Connection, type Harness, type Raw } from '@sess/conformance/harness'
import { SocketFaults } from '@sess/conformance/faults'
import { startPostgres, type TestServer } from '@sess/test-servers'
import manifest from '../package.json' with { type: 'json' }
import { migrate, postgresStore } from '../src/index.ts'
import { poolOf } from './pool.ts'

/** The port of a server, and the schema of the table. */
export interface Target {
  readonly port: number
  readonly schema: string
}

/** Opens another client of a namespace, also in the kit's other processes. @param argument - A {@link Target} as JSON. */
export async function connect(argument: string): Promise<Connection> {
  const { port, schema } = JSON.parse(argument) as Target
  const pool = poolOf({ port })
  await pool.query('') // opens the first connection now, which takes long on a busy machine
  return { store: postgresStore(pool, { schema }), close: () => pool.end() }
}

/** Reads and writes the table past the store. */
function rawOf(pool: Pool, table: string): Raw {
  const row = `${table} WHERE prefix = '' AND tag = $1 AND id = $2`
  return {
    read: async ({ tag, id }) =>
      (await pool.query<{ payload: Buffer }>(`SELECT payload FROM ${row}`, [tag, id])).rows[0]?.payload,
    write: async ({ tag, id }, bytes) =>
      void (await pool.query(`UPDATE ${row.replace('WHERE', 'SET payload = $3 WHERE')}`, [tag, id, bytes])),
    dump: async () => {
      const { rows } = await pool.query<Record<string, Buffer | string | number | null>>(`SELECT * FROM ${table}`)
      const cells = rows.flatMap((each) => Object.values(each))
      return Buffer.concat(cells.map((cell) => (Buffer.isBuffer(cell) ? cell : Buffer.from(`${cell} `))))
    },
  }
}

let started: Promise<TestServer> | undefined
/** Returns the one server of this process. The first call starts it. */
export const server = (): Promise<TestServer> => (started ??= startPostgres())

/** Makes a namespace: a schema of its own, with a table. */
export async function newSchema(): Promise<{ readonly schema: string; readonly admin: Pool }> {
  const { port } = await server()
  const schema = `s${randomBytes(6).toString('hex')}`
  const admin = poolOf({ port })
  await migrate(admin, { schema })
  return { schema, admin }
}

/** Each namespace is a schema of one database. The store on trial reaches its server through a proxy. */
export const harness: Harness = harnessOf({
  name: 'postgres',
  module: import.meta.url,
  connect,
  make: async () => {
    const postgres = await server()
    const { schema, admin } = await newSchema()
    const faults = new SocketFaults()
    const proxy = await faults.listen(postgres)
    const argument = (port: number): string => JSON.stringify({ port, schema } satisfies Target)
    return {
      argument: argument(postgres.port),
      faulty: { faults, argument: argument(proxy) },
      raw: rawOf(admin, `${schema}.sess_sessions`),
      restart: async () => {
        process.kill(postgres.pid!, 'SIGINT') // the server closes its connections and then ends
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
    const admin = poolOf({ port: (await server()).port })
    const { rows } = await admin.query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
    await admin.end()
    return { [manifest.name]: manifest.version, pg: driver.version, PostgreSQL: rows[0]!.version }
  },
})
