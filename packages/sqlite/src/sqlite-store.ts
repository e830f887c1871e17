import {
  defineStore,
  invalid,
  PageSize,
  SessError,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import { attempt, BUSY_TIMEOUT } from './attempt.ts'
import type { SqliteClient, SqliteStatement } from './client.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The table, made if it is not there: letters, digits and `_`. Default: `sess_sessions`. */
  readonly table?: string
  /** The largest payload, in bytes; at most 500,000,000. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

interface Row {
  readonly id: string
  readonly revision: number
  readonly expires_at: number
  readonly subject: Uint8Array | null
  readonly payload: Uint8Array
}

/** How many records are read at once. */
const PAGE = 100
/** How often a write is tried that meets the revision it expects only when that is asked for afterwards. */
const TRIES = 5

/**
 * Sessions in a SQLite database: the embedded default. Safe for several processes on one file.
 *
 * Sets `journal_mode = WAL`, `synchronous = FULL` and a short `busy_timeout` on the connection, and makes its table.
 * Somebody must call `sessions.sweep()` now and then.
 *
 * @param client - A `Database` of better-sqlite3 13 or later, which stays yours to close.
 * @throws {SessError} `invalid_option`; what SQLite says when the table cannot be made.
 * @see https://www.sqlite.org/wal.html
 */
export function sqliteStore(client: SqliteClient, options: SqliteStoreOptions = {}): SessionStore {
  const { table = 'sess_sessions', maxPayloadBytes = 1_048_576 } = options
  if (typeof client?.prepare !== 'function') throw invalid('client', 'must be a Database of better-sqlite3')
  if (!/^[A-Za-z_]\w{0,62}$/.test(table)) throw invalid('table', 'must be a name of letters, digits and _')
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > 500_000_000)
    throw invalid('maxPayloadBytes', 'must be a whole number from 1 to 500,000,000')
  if (client.inTransaction) throw invalid('client', 'is inside a transaction; call sqliteStore before it begins')
  client.pragma('journal_mode = WAL')
  client.pragma('synchronous = FULL')
  client.exec(`CREATE TABLE IF NOT EXISTS ${table} (
    tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    subject BLOB, payload BLOB NOT NULL, PRIMARY KEY (tag, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS ${table}_expires_at ON ${table} (expires_at)`)
  client.pragma(`busy_timeout = ${BUSY_TIMEOUT}`)
  return defineStore(new SqliteStore(client, table, maxPayloadBytes))
}

class SqliteStore implements StoreImplementation {
  readonly name = 'sqlite'
  readonly traits: StoreImplementation['traits']
  readonly #client: SqliteClient
  readonly #read: SqliteStatement
  readonly #create: SqliteStatement
  readonly #replace: SqliteStatement
  readonly #touch: SqliteStatement
  readonly #delete: SqliteStatement
  readonly #page: SqliteStatement
  readonly #all: SqliteStatement
  readonly #deleteSubject: SqliteStatement
  readonly #count: SqliteStatement
  readonly #sweep: SqliteStatement
  readonly #countSize = new PageSize(1000)
  readonly #deleteSize = new PageSize()
  readonly #sweepSize = new PageSize()

  constructor(client: SqliteClient, table: string, maxPayloadBytes: number) {
    this.#client = client
    this.traits = { maxPayloadBytes }
    const live = 'tag = ? AND id = ? AND expires_at > ?'
    const sql = (text: string): SqliteStatement => client.prepare(text.replaceAll('TABLE', table))
    this.#read = sql(`SELECT id, revision, expires_at, subject, payload FROM TABLE WHERE ${live}`)
    this.#create =
      sql(`INSERT INTO TABLE AS t (tag, id, revision, expires_at, subject, payload) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
        subject = excluded.subject, payload = excluded.payload WHERE t.expires_at <= ?`)
    this.#replace = sql(`UPDATE TABLE SET revision = ?, expires_at = ?, payload = ? WHERE ${live} AND revision = ?`)
    this.#touch = sql(`UPDATE TABLE SET expires_at = max(expires_at, ?) WHERE ${live} AND revision = ?`)
    this.#delete = sql('DELETE FROM TABLE WHERE tag = ? AND id = ? RETURNING expires_at')
    this.#page = sql(`SELECT id, revision, expires_at, subject, payload FROM TABLE
      WHERE tag = ? AND id > ? AND subject = ? AND expires_at > ? ORDER BY id LIMIT ${PAGE}`)
    this.#all = sql(`SELECT tag, id, revision, expires_at, subject, payload FROM TABLE
      WHERE (tag, id) > (?, ?) AND expires_at > ? ORDER BY tag, id LIMIT ${PAGE}`)
    this.#deleteSubject = sql(`DELETE FROM TABLE WHERE rowid IN
      (SELECT rowid FROM TABLE WHERE tag = ? AND id > ? AND subject = ? AND id <> ? ORDER BY id LIMIT ?)
      RETURNING id, expires_at`)
    this.#count = sql(`SELECT count(*) AS seen, total(expires_at > ?) AS live, max(rowid) AS last
      FROM (SELECT rowid, expires_at FROM TABLE WHERE rowid > ? ORDER BY rowid LIMIT ?)`)
    this.#sweep = sql(
      'DELETE FROM TABLE WHERE rowid IN (SELECT rowid FROM TABLE WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    )
  }

  read({ tag, id }: SessionKey, now: number): Promise<SessionRecord | undefined> {
    return this.#attempt(() => {
      const row = this.#read.get(tag, id, now) as Row | undefined
      return row && recordOf(row)
    })
  }

  create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject, payload } = record
    return this.#attempt(() => {
      return this.#create.run(tag, id, revision, expiresAt, blobOf(subject), payload, now).changes === 1
    })
  }

  replace(
    key: SessionKey,
    expected: ExpectedRecord,
    { revision, expiresAt, payload }: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    return this.#attempt(() => {
      return this.#compareAndSet('replaced', this.#replace, [revision, expiresAt, payload], key, expected, now)
    })
  }

  touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    return this.#attempt(() => this.#compareAndSet('touched', this.#touch, [expiresAt], key, expected, now))
  }

  delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    return this.#attempt(() => countLive([this.#delete.get(tag, id)], now) === 1)
  }

  /** In pages: between two of them other callers, and the consumer, may write. */
  async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { tag } = subject
    for (let after = ''; ;) {
      const rows = (await this.#attempt(() => this.#page.all(tag, after, blobOf(subject.id), now))) as Row[]
      for (const row of rows) yield [{ tag, id: row.id }, recordOf(row)]
      if (rows.length < PAGE) return
      after = rows.at(-1)!.id
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let last: SessionKey = { tag: '', id: '' }; ;) {
      const { tag, id } = last
      const rows = (await this.#attempt(() => this.#all.all(tag, id, now))) as (Row & SessionKey)[]
      for (const row of rows) yield [(last = { tag: row.tag, id: row.id }), recordOf(row)]
      if (rows.length < PAGE) return
    }
  }

  async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : ''
    for (let after = ''; ;) {
      const { size } = this.#deleteSize
      const rows = (await this.#paced(
        this.#deleteSize,
        () => this.#deleteSubject.all(tag, after, blobOf(id), spared, size),
        (found) => found.length,
      )) as Row[]
      yield countLive(rows, now)
      if (rows.length < size) return
      after = rows.reduce((last, row) => (row.id > last ? row.id : last), '')
    }
  }

  async *count(now: number): AsyncIterable<number> {
    for (let last = 0; ;) {
      const { size } = this.#countSize
      const page = await this.#paced(
        this.#countSize,
        () => this.#count.get(now, last, size) as { seen: number; live: number; last: number },
        ({ seen }) => seen,
      )
      yield page.live
      if (page.seen < size) return
      last = page.last
    }
  }

  async *sweep(until: number): AsyncIterable<number> {
    for (;;) {
      const { size } = this.#sweepSize
      const swept = await this.#paced(
        this.#sweepSize,
        () => this.#sweep.run(until, size).changes,
        (changes) => changes,
      )
      yield swept
      if (swept < size) return
    }
  }

  /** Nothing was opened: the database is the caller's. */
  close(): void {}

  #attempt<T>(run: () => T): Promise<T> {
    return attempt(this.#client, run)
  }

  /** Runs a page, and adapts the size of the next to the time that this one took. */
  #paced<T>(pages: PageSize, run: () => T, records: (page: T) => number): Promise<T> {
    return this.#attempt(() => {
      const began = performance.now()
      const page = run()
      pages.took(performance.now() - began, records(page))
      return page
    })
  }

  /** One conditional statement. What it met if not the expected revision is asked afterwards; should that be there by now, it is tried again. */
  #compareAndSet<Done extends string>(
    done: Done,
    statement: SqliteStatement,
    values: unknown[],
    { tag, id }: SessionKey,
    { revision }: ExpectedRecord,
    now: number,
  ): Done | 'conflict' | 'missing' {
    for (let tries = 0; tries < TRIES; tries++) {
      if (statement.run(...values, tag, id, now, revision).changes === 1) return done
      const row = this.#read.get(tag, id, now) as Row | undefined
      if (row?.revision !== revision) return row ? 'conflict' : 'missing'
    }
    throw new SessError('store_unavailable', `a session was never as SQLite had said, ${TRIES} times; try again`)
  }
}

function recordOf({ revision, expires_at: expiresAt, subject, payload }: Row): SessionRecord {
  return { revision, expiresAt, payload, ...(subject && { subject: Buffer.from(subject).toString() }) }
}

/** Subjects are kept as bytes: text in SQL ends at a NUL for some functions. */
function blobOf(subject: string | undefined): Buffer | null {
  return subject === undefined ? null : Buffer.from(subject)
}

function countLive(rows: unknown[], now: number): number {
  return rows.filter((row) => row !== undefined && (row as Row).expires_at > now).length
}
