import { checkOptions, SessError } from '@sess/core/adapter'
import type { PostgresClient, PostgresPool } from './client.ts'
import { Database } from './database.ts'
import { tableOf, type Table, type TableOptions } from './table.ts'

/** Options of {@link migrate} and {@link schemaSql}. */
export interface SchemaOptions extends TableOptions {
  /**
   * An `UNLOGGED` table: less to write, but a crash of the server empties it, and a standby has nothing of it. Default: false.
   *
   * @see https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
   */
  readonly unlogged?: boolean
}

const COLUMNS = ['prefix', 'tag', 'id', 'revision', 'expires_at', 'expiry_minute', 'subject', 'payload']

/** Of the advisory lock that all who make a table take: `sess` in ASCII. */
const LOCK = 0x73657373

/**
 * The statements that make the table and its index where they are not there, for a migration tool. To be run in one transaction,
 * as PostgreSQL runs a text of several statements, `psql -1` a file, and a migration tool a migration: then many may run it at once.
 *
 * @throws {SessError} `invalid_option`.
 */
export function schemaSql(options: SchemaOptions = {}): string {
  check(options, 'schemaSql()')
  const { name, schema, index } = tableOf(options)
  // Numbers are doubles, as JavaScript's are; a subject is bytes, for text cannot hold every character. The index holds the minute
  // alone, and pages have room: so a write that leaves the minute as it is touches no index (a heap-only tuple).
  // To wait for an advisory lock does not make a session look at what others have made meanwhile; to open a table does.
  return `SELECT pg_advisory_xact_lock(${LOCK});
SELECT FROM pg_catalog.pg_namespace WHERE false;
${schema === undefined ? '' : `CREATE SCHEMA IF NOT EXISTS ${schema};\n`}CREATE ${options.unlogged ? 'UNLOGGED ' : ''}TABLE IF NOT EXISTS ${name} (
  prefix text COLLATE "C" NOT NULL,
  tag text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  revision float8 NOT NULL,
  expires_at float8 NOT NULL,
  expiry_minute int8 NOT NULL,
  subject bytea,
  payload bytea NOT NULL,
  PRIMARY KEY (prefix, tag, id)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS ${index} ON ${name} (prefix, expiry_minute);
`
}

/**
 * Makes the table and its index where they are not there. Many processes may call it at once, each time they start: where all is
 * there it only looks, and needs no right but to read.
 *
 * @param client - A Pool or a Client of pg, whose user may create tables.
 * @throws {SessError} `invalid_option`; `configuration` for a table of that name that is another, or where a right is missing;
 *   `store_unavailable`.
 */
export async function migrate(client: PostgresPool | PostgresClient, options: SchemaOptions = {}): Promise<void> {
  check(options, 'migrate()')
  const table = tableOf(options)
  const database = new Database(client)
  if (await isReady(database, table, options)) return
  await database.write(schemaSql(options))
  await isReady(database, table, options)
}

function check(options: SchemaOptions, of: string): void {
  checkOptions(options, of, { table: true, schema: true, unlogged: true }, HINTS)
}
const HINTS = { prefix: 'all applications that share a table have the same one; give it to postgresStore()' }

/** Whether there is nothing to be made. @throws {SessError} `configuration` for a table that is another. */
async function isReady(database: Database, { name, indexName }: Table, { unlogged }: SchemaOptions): Promise<boolean> {
  const [found] = await database.read(
    `SELECT c.relpersistence::text AS persistence, (to_regclass($2) IS NOT NULL)::text AS indexed, (
      SELECT string_agg(a.attname, ' ') FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_catalog.pg_class c WHERE c.oid = to_regclass($1)`,
    [name, indexName],
  )
  if (!found) return false
  const columns = found['columns']?.split(' ') ?? []
  const missing = COLUMNS.filter((column) => !columns.includes(column))
  if (missing.length > 0)
    throw new SessError(
      'configuration',
      `the table ${name} has no ${missing.join(', ')}: it is none of this store; give another name by the option table`,
    )
  if (unlogged !== undefined && unlogged !== (found['persistence'] === 'u'))
    throw new SessError(
      'configuration',
      `the table ${name} is there and ${unlogged ? 'logged' : 'UNLOGGED'}: ALTER TABLE ${name} SET ${unlogged ? 'UNLOGGED' : 'LOGGED'} changes that`,
    )
  return found['indexed'] === 'true'
}
