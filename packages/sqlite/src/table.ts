import { invalid } from '@sess/core/adapter'
import { BUSY_TIMEOUT_MS } from './attempt.ts'
import type { Driver, Statement } from './driver.ts'

const COLUMNS = ['tag', 'id', 'revision', 'expires_at', 'subject', 'payload']

/** How many records are read at once. */
export const PAGE = 100

/** The statements of a table, prepared once: one for each method of the store. */
export type Statements = Readonly<
  Record<
    'read' | 'create' | 'replace' | 'touch' | 'delete' | 'list' | 'all' | 'deleteSubject' | 'count' | 'sweep',
    Statement
  >
>

/**
 * Sets the connection, makes the table if it is not there, and prepares the statements.
 *
 * @throws {SessError} `invalid_option` for a connection that cannot be set, or a table of another shape; what SQLite says
 *   while another process holds the lock.
 */
export function openTable(driver: Driver, table: string): Statements {
  set(driver, 'busy_timeout', BUSY_TIMEOUT_MS)
  set(driver, 'journal_mode', 'wal', 'memory')
  // 2 is FULL: each commit is on the disk before it is acknowledged.
  set(driver, 'synchronous', 2)
  make(driver, table)
  return prepare(driver, table)
}

/** Sets what a connection remembers, and reads it back: some connections ignore what they cannot do. */
function set(driver: Driver, name: string, ...accepted: readonly (string | number)[]): void {
  driver.exec(`PRAGMA ${name} = ${accepted[0]}`)
  const [row = {}] = driver.prepare(`PRAGMA ${name}`).all<Record<string, unknown>>()
  const [value] = Object.values(row)
  if (!accepted.includes(typeof value === 'bigint' ? Number(value) : String(value)))
    throw invalid('client', `is a database whose ${name} stays ${String(value)}; it must be ${accepted[0]}`)
}

function make(driver: Driver, table: string): void {
  // A transaction that writes from its start: a database that may only be read says so here.
  driver.exec('BEGIN IMMEDIATE')
  try {
    driver.exec(`CREATE TABLE IF NOT EXISTS ${table} (
      tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, expires_at INTEGER NOT NULL,
      subject BLOB, payload BLOB NOT NULL, PRIMARY KEY (tag, id)
    ) STRICT`)
    const columns = driver.prepare(`PRAGMA table_info(${table})`).all<{ name: string }>()
    const missing = COLUMNS.filter((name) => columns.every((column) => column.name !== name))
    if (missing.length)
      throw invalid('table', `names a table without ${missing.join(', ')}: no table of this store; give another name`)
    driver.exec(`CREATE INDEX IF NOT EXISTS ${table}_expires_at ON ${table} (expires_at); COMMIT`)
  } catch (error) {
    if (driver.inTransaction()) driver.exec('ROLLBACK')
    throw error
  }
}

function prepare(driver: Driver, table: string): Statements {
  const live = 'tag = ? AND id = ? AND expires_at > ?'
  const record = 'revision, expires_at, subject, payload'
  const sql = (text: string): Statement => driver.prepare(text.replaceAll('TABLE', table))
  return {
    read: sql(`SELECT ${record} FROM TABLE WHERE ${live}`),
    create: sql(`INSERT INTO TABLE AS t (tag, id, revision, expires_at, subject, payload) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
        subject = excluded.subject, payload = excluded.payload WHERE t.expires_at <= ?`),
    replace: sql(`UPDATE TABLE SET revision = ?, expires_at = ?, payload = ? WHERE ${live} AND revision = ?`),
    touch: sql(`UPDATE TABLE SET expires_at = max(expires_at, ?) WHERE ${live} AND revision = ?`),
    delete: sql('DELETE FROM TABLE WHERE tag = ? AND id = ? RETURNING expires_at'),
    list: sql(`SELECT tag, id, ${record} FROM TABLE
      WHERE tag = ? AND id > ? AND subject = ? AND expires_at > ? ORDER BY id LIMIT ${PAGE}`),
    all: sql(`SELECT tag, id, ${record} FROM TABLE
      WHERE (tag, id) > (?, ?) AND expires_at > ? ORDER BY tag, id LIMIT ${PAGE}`),
    deleteSubject: sql(`DELETE FROM TABLE WHERE rowid IN
      (SELECT rowid FROM TABLE WHERE tag = ? AND id > ? AND subject = ? AND id <> ? ORDER BY id LIMIT ?)
      RETURNING id, expires_at`),
    count: sql(`SELECT count(*) AS seen, coalesce(sum(expires_at > ?), 0) AS live, max(rowid) AS last
      FROM (SELECT rowid, expires_at FROM TABLE WHERE rowid > ? ORDER BY rowid LIMIT ?)`),
    sweep: sql(
      'DELETE FROM TABLE WHERE rowid IN (SELECT rowid FROM TABLE WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    ),
  }
}
