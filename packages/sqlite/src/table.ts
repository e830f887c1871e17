import { invalid } from '@sess/core/adapter'
import { BUSY_TIMEOUT_MS } from './attempt.ts'
import type { Driver, Statement } from './driver.ts'

const COLUMNS = ['tag', 'id', 'revision', 'expires_at', 'subject', 'payload']

/** How many records one page of a list has. */
export const PAGE = 100

/** The prepared statements of a table, one for each method of the store. */
export type Statements = Readonly<
  Record<
    'read' | 'create' | 'replace' | 'touch' | 'delete' | 'list' | 'all' | 'deleteSubject' | 'count' | 'sweep',
    Statement
  >
>

/**
 * Sets the options of the connection, creates the table if it does not exist, and prepares the statements.
 *
 * @throws {SessError} `invalid_option` if the connection does not accept an option, or if the table has other columns. An error of
 *   SQLite while another process holds the lock.
 */
export function openTable(driver: Driver, table: string): Statements {
  set(driver, 'busy_timeout', BUSY_TIMEOUT_MS)
  set(driver, 'journal_mode', 'wal', 'memory')
  // 2 is FULL: SQLite acknowledges a commit when it is on the disk.
  set(driver, 'synchronous', 2)
  make(driver, table)
  return prepare(driver, table)
}

/** Sets an option of the connection, and reads it back: SQLite silently ignores an option that it cannot set. */
function set(driver: Driver, name: string, ...accepted: readonly (string | number)[]): void {
  driver.exec(`PRAGMA ${name} = ${accepted[0]}`)
  const [row = {}] = driver.prepare(`PRAGMA ${name}`).all<Record<string, unknown>>()
  const [value] = Object.values(row)
  if (!accepted.includes(typeof value === 'bigint' ? Number(value) : String(value)))
    throw invalid(
      'client',
      `is a database whose ${name} cannot be changed from ${String(value)} to ${accepted[0]}, which is required`,
    )
}

function make(driver: Driver, table: string): void {
  // BEGIN IMMEDIATE takes the write lock, so that a read-only database fails here.
  driver.exec('BEGIN IMMEDIATE')
  try {
    driver.exec(`CREATE TABLE IF NOT EXISTS ${table} (
      tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, expires_at INTEGER NOT NULL,
      subject BLOB, payload BLOB NOT NULL, PRIMARY KEY (tag, id)
    ) STRICT`)
    const columns = driver.prepare(`PRAGMA table_info(${table})`).all<{ name: string }>()
    const missing = COLUMNS.filter((name) => columns.every((column) => column.name !== name))
    if (missing.length)
      throw invalid(
        'table',
        `is the name of a table without the columns ${missing.join(', ')}, which is not a table of this store; give another name`,
      )
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
