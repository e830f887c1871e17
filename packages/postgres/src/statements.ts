/** The statements of a table: one for each method of the store, by the names of the methods. `$1` is the prefix. */
export type Statements = Readonly<
  Record<
    'read' | 'create' | 'replace' | 'touch' | 'delete' | 'list' | 'all' | 'deleteSubject' | 'count' | 'sweep' | 'clock',
    string
  >
>

/**
 * Fails on a standby, which may answer late, and would show a session that has ended. Asked once, before any row is looked at.
 */
const ON_PRIMARY = '(SELECT 1 / (NOT pg_is_in_recovery())::int) = 1'

/**
 * A record, as text in one form, whatever the settings `bytea_output` and `extra_float_digits` are: bytes in base64, and numbers as
 * the hex digits of their eight bytes.
 */
const RECORD = `encode(float8send(revision), 'hex') AS revision, encode(float8send(expires_at), 'hex') AS expires_at,
encode(subject, 'base64') AS subject, encode(payload, 'base64') AS payload`

const KEY = 'prefix = $1 AND tag = $2 AND id = $3'

/** @param table - Its name, quoted. */
export function statementsOf(table: string): Statements {
  const update = (assignments: string): string =>
    `UPDATE ${table} SET ${assignments} WHERE ${KEY} AND expires_at > $4 AND revision = $5`
  return {
    read: `SELECT ${RECORD} FROM ${table} WHERE ${KEY} AND expires_at > $4 AND ${ON_PRIMARY}`,
    create: `INSERT INTO ${table} AS s (prefix, tag, id, revision, expires_at, expiry_minute, subject, payload)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (prefix, tag, id) DO UPDATE SET revision = excluded.revision,
      expires_at = excluded.expires_at, expiry_minute = excluded.expiry_minute, subject = excluded.subject,
      payload = excluded.payload WHERE s.expires_at <= $9`,
    replace: update('revision = $6, expires_at = $7, expiry_minute = $8, payload = $9'),
    touch: update('expires_at = greatest(expires_at, $6), expiry_minute = greatest(expiry_minute, $7)'),
    delete: `DELETE FROM ${table} WHERE ${KEY} RETURNING (expires_at > $4)::text AS live`,
    list: `SELECT tag, id, ${RECORD} FROM ${table}
      WHERE prefix = $1 AND tag = $2 AND id > $3 AND subject = $4 AND expires_at > $5 AND ${ON_PRIMARY} ORDER BY id LIMIT $6`,
    all: `SELECT tag, id, ${RECORD} FROM ${table}
      WHERE prefix = $1 AND (tag, id) > ($2, $3) AND expires_at > $4 AND ${ON_PRIMARY} ORDER BY tag, id LIMIT $5`,
    // A page is what was selected: one of which others deleted some meanwhile is no sign of the end.
    deleteSubject: `WITH page AS (SELECT id FROM ${table}
        WHERE prefix = $1 AND tag = $2 AND id > $3 AND subject = $4 AND id IS DISTINCT FROM $5 ORDER BY id LIMIT $6),
      gone AS (DELETE FROM ${table} WHERE prefix = $1 AND tag = $2 AND subject = $4 AND id IN (SELECT id FROM page)
        RETURNING expires_at)
      SELECT max(id) AS last, (SELECT count(*) FROM gone WHERE expires_at > $7)::text AS done FROM page`,
    count: `WITH page AS (SELECT tag, id, expires_at FROM ${table}
        WHERE prefix = $1 AND (tag, id) > ($2, $3) AND ${ON_PRIMARY} ORDER BY tag, id LIMIT $4)
      SELECT tag, id, (SELECT count(*) FROM page WHERE expires_at > $5)::text AS live
      FROM page ORDER BY tag DESC, id DESC LIMIT 1`,
    // What another sweeper holds is its to remove.
    sweep: `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${table} WHERE prefix = $1 AND expiry_minute <= $2 AND expires_at <= $3 LIMIT $4
      FOR UPDATE SKIP LOCKED))`,
    clock: 'SELECT trunc(extract(epoch FROM clock_timestamp()) * 1000)::int8::text AS now',
  }
}
