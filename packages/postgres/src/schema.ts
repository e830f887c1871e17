import { checkOptions, SessError } from '@sess/core/adapter'
import type { PostgresClient, PostgresPool } from './client.ts'
import { Database } from './database.ts'
import { tableOf, type Table, type TableOptions } from './table.ts'

/** Options of {@link migrate} and {@link schemaSql}. */
export interface SchemaOptions extends TableOptions {
  /**
   * True: makes an `UNLOGGED` table. It writes less, but a crash of the server empties it, and a standby has no rows of it. Default: false.
   *
   * @see https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
   */
  readonly unlogged?: boolean
}

const COLUMNS = ['prefix', 'tag', 'id', 'revision', 'expires_at', 'expiry_minute', 'subject', 'payload']

/** The key of the advisory lock that every process takes to make a table: `sess` in ASCII. */
const LOCK_KEY = 0x73657373

/**
 * Returns the statements that make the table and its index if they do not exist, for a migration tool. Run them in one transaction;
 * then many processes may run them at once. PostgreSQL runs a text of several statements in one transaction, `psql -1` a file, and
 * a migration tool a migration.
 *
 * @throws {SessError} `invalid_option`.
 */
export function schemaSql(options: SchemaOptions = {}): string {
  check(options, 'schemaSql()')
  const { name, schema, index } = tableOf(options)
  // Numbers are doubles, as in JavaScript; a subject is bytes, because text cannot hold every character. The index holds only the
  // minute, and pages have free room, so a write that does not change the minute changes no index (a heap-only tuple).
  // After the wait for the advisory lock, the SELECT opens a table, so the session sees the tables that others have made meanwhile.
  return `SELECT pg_advisory_xact_lock(${LOCK_KEY});
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
 * Makes the table and its index if they do not exist. Many processes may call it at once, each time they start: if both exist, it
 * only reads, and needs only the right to read.
 *
 * @param client - A Pool or a Client of pg, whose user may create tables.
 * @throws {SessError} `invalid_option`; `configuration` if a table of that name is not of this store, or if a right is missing;
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
const HINTS = { prefix: 'applications that share a table share the migration; give the prefix to postgresStore()' }

/** True if the table and its index exist. @throws {SessError} `configuration` if the table is not of this store. */
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
      `the table ${name} has no ${missing.join(', ')}: it is not a table of this store; give another name by the option table`,
    )
  if (unlogged !== undefined && unlogged !== (found['persistence'] === 'u'))
    throw new SessError(
      'configuration',
      `the table ${name} exists and is ${unlogged ? 'logged' : 'UNLOGGED'}: ALTER TABLE ${name} SET ${unlogged ? 'UNLOGGED' : 'LOGGED'} changes that`,
    )
  return found['indexed'] === 'true'
}
