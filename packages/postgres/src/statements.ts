/** How many sessions one statement reads or writes at most: the server works on a batch while Node.js collects the next batch. */
export const MOST_TOGETHER = 24

/** The longest payload that a batch reads or writes, in bytes. */
export const LONGEST_TOGETHER = 16_384

/**
 * The statements of a table, by the names of the store's methods. `reads` and `replaces` are for a batch of calls. `$1` is the
 * prefix.
 */
export type Statements = Readonly<
  Record<
    | 'read'
    | 'reads'
    | 'create'
    | 'replace'
    | 'replaces'
    | 'touch'
    | 'delete'
    | 'list'
    | 'all'
    | 'deleteSubject'
    | 'count'
    | 'sweep'
    | 'clock',
    string
  >
>

/**
 * Divides by zero on a standby, which may be behind the primary and would show a session that has ended. PostgreSQL evaluates it
 * once, before it reads a row.
 */
const ON_PRIMARY = '(SELECT 1 / (NOT pg_is_in_recovery())::int) = 1'

/**
 * Selects a record as text: bytes in base64, and numbers as the hex digits of their eight bytes. This form does not depend on the
 * settings `bytea_output` and `extra_float_digits`.
 */
const record = (payload: string): string => `encode(float8send(revision), 'hex') AS revision,
encode(float8send(expires_at), 'hex') AS expires_at, encode(subject, 'base64') AS subject, encode(${payload}, 'base64') AS payload`

const RECORD = record('payload')

const KEY = 'prefix = $1 AND tag = $2 AND id = $3'

/** Makes the statements of a table. @param table - The name of the table, quoted. */
export function statementsOf(table: string): Statements {
  const update = (assignments: string): string =>
    `UPDATE ${table} SET ${assignments} WHERE ${KEY} AND expires_at > $4 AND revision = $5`
  return {
    read: `SELECT ${RECORD} FROM ${table} WHERE ${KEY} AND ${ON_PRIMARY}`,
    // OFFSET 0: PostgreSQL looks up each record in the primary key, even if the planner has no statistics of the table.
    reads: `SELECT n, ${record(`CASE WHEN octet_length(payload) <= ${LONGEST_TOGETHER} THEN payload END`)}
      FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS asked (tag, id, n)
      CROSS JOIN LATERAL (SELECT * FROM ${table} WHERE prefix = $1 AND tag = asked.tag AND id = asked.id OFFSET 0) AS found
      WHERE ${ON_PRIMARY}`,
    create: `INSERT INTO ${table} AS s (prefix, tag, id, revision, expires_at, expiry_minute, subject, payload)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (prefix, tag, id) DO UPDATE SET revision = excluded.revision,
      expires_at = excluded.expires_at, expiry_minute = excluded.expiry_minute, subject = excluded.subject,
      payload = excluded.payload WHERE s.expires_at <= $9`,
    replace: update('revision = $6, expires_at = $7, expiry_minute = $8, payload = $9'),
    // SKIP LOCKED: the statement never waits while it holds a lock. LIMIT (SELECT …): the planner expects a tenth of the rows, and
    // so fetches each row by its ctid, even by a plan that was made when the table was small.
    replaces: `WITH held AS (
        SELECT asked.*, place FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
          $8::int8[], $9::int4[], $10::int4[])
          WITH ORDINALITY AS asked (tag, id, now, expected, revision, expires_at, expiry_minute, start, length, n)
        CROSS JOIN LATERAL (SELECT ctid AS place FROM ${table} WHERE prefix = $1 AND tag = asked.tag AND id = asked.id
          AND expires_at > asked.now AND revision = asked.expected FOR NO KEY UPDATE SKIP LOCKED) AS found
        LIMIT (SELECT ${MOST_TOGETHER}))
      UPDATE ${table} AS s SET revision = held.revision, expires_at = held.expires_at, expiry_minute = held.expiry_minute,
        payload = substr($11::bytea, held.start, held.length)
      FROM held WHERE s.ctid = held.place AND s.prefix = $1 AND s.tag = held.tag AND s.id = held.id RETURNING held.n`,
    touch: update('expires_at = greatest(expires_at, $6), expiry_minute = greatest(expiry_minute, $7)'),
    delete: `DELETE FROM ${table} WHERE ${KEY} RETURNING (expires_at > $4)::text AS live`,
    list: `SELECT tag, id, ${RECORD} FROM ${table}
      WHERE prefix = $1 AND tag = $2 AND id > $3 AND subject = $4 AND expires_at > $5 AND ${ON_PRIMARY} ORDER BY id LIMIT $6`,
    all: `SELECT tag, id, ${RECORD} FROM ${table}
      WHERE prefix = $1 AND (tag, id) > ($2, $3) AND expires_at > $4 AND ${ON_PRIMARY} ORDER BY tag, id LIMIT $5`,
    // The page is the selected rows: if others delete some of these rows meanwhile, the loop still goes on to the next page. Both
    // statements see one snapshot. The range of IDs, unlike a list, is a condition of the index whatever the planner knows.
    deleteSubject: `WITH page AS (SELECT id FROM ${table}
        WHERE prefix = $1 AND tag = $2 AND id > $3 AND subject = $4 AND id IS DISTINCT FROM $5 ORDER BY id LIMIT $6),
      gone AS (DELETE FROM ${table} WHERE prefix = $1 AND tag = $2 AND id > $3 AND id <= (SELECT max(id) FROM page)
        AND subject = $4 AND id IS DISTINCT FROM $5 RETURNING expires_at)
      SELECT max(id) AS last, (SELECT count(*) FROM gone WHERE expires_at > $7)::text AS done FROM page`,
    count: `WITH page AS (SELECT tag, id, expires_at FROM ${table}
        WHERE prefix = $1 AND (tag, id) > ($2, $3) AND ${ON_PRIMARY} ORDER BY tag, id LIMIT $4)
      SELECT tag, id, (SELECT count(*) FROM page WHERE expires_at > $5)::text AS live
      FROM page ORDER BY tag DESC, id DESC LIMIT 1`,
    // SKIP LOCKED: another sweeper removes the rows that it has locked. The second condition names no prefix: without statistics, the
    // planner would read all rows of the prefix instead of those places.
    sweep: `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${table} WHERE prefix = $1 AND expiry_minute <= $2 AND expires_at <= $3 LIMIT $4
      FOR UPDATE SKIP LOCKED)) AND expires_at <= $3`,
    clock: 'SELECT trunc(extract(epoch FROM clock_timestamp()) * 1000)::int8::text AS now',
  }
}
