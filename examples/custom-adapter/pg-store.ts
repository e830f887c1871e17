import {
  defineStore,
  PageSize,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import type { Pool, QueryResult, QueryResultRow } from 'pg'
import { Database } from './database.ts'

/** The table. Numbers are doubles, as JavaScript's are; a subject is bytes, for text cannot hold every character. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS sess_sessions (
  tag text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, revision float8 NOT NULL, expires_at float8 NOT NULL,
  subject bytea, payload bytea NOT NULL, PRIMARY KEY (tag, id));
CREATE INDEX IF NOT EXISTS sess_sessions_expiry ON sess_sessions (expires_at);`

const CREATE = `
INSERT INTO sess_sessions AS s VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tag, id) DO UPDATE SET
  revision = excluded.revision, expires_at = excluded.expires_at, subject = excluded.subject, payload = excluded.payload
WHERE s.expires_at <= $7`
/** One statement, which locks the row: its answer tells a conflict from a missing record as of one moment. */
const update = (assignments: string): string => `
WITH live AS (SELECT revision FROM sess_sessions WHERE tag = $1 AND id = $2 AND expires_at > $3 FOR UPDATE),
done AS (UPDATE sess_sessions s SET ${assignments} FROM live
  WHERE s.tag = $1 AND s.id = $2 AND live.revision = $4 RETURNING 1)
SELECT (SELECT count(*) FROM live)::int AS live, (SELECT count(*) FROM done)::int AS done`
const REPLACE = update('revision = $5, expires_at = $6, payload = $7')
const TOUCH = update('expires_at = greatest(s.expires_at, $5)')
/** Numbers as their eight bytes: as text they have as few digits as `extra_float_digits` says, which is anybody's to set. */
const COLUMNS = 'tag, id, float8send(revision) AS revision, float8send(expires_at) AS expires_at, subject, payload'
const READ = `SELECT ${COLUMNS} FROM sess_sessions WHERE tag = $1 AND id = $2 AND expires_at > $3`
const LIST = `
SELECT ${COLUMNS} FROM sess_sessions WHERE tag = $1 AND id > $2 AND subject = $3 AND expires_at > $4 ORDER BY id LIMIT $5`
const ALL = `
SELECT ${COLUMNS} FROM sess_sessions WHERE (tag, id) > ($1, $2) AND expires_at > $3 ORDER BY tag, id LIMIT $4`
const DELETE = 'DELETE FROM sess_sessions WHERE tag = $1 AND id = $2 RETURNING expires_at > $3 AS live'
/** A page is what was selected: one of which others deleted some meanwhile is no sign of the end. */
const DELETE_SUBJECT = `
WITH page AS (SELECT id FROM sess_sessions
  WHERE tag = $1 AND id > $2 AND subject = $3 AND id IS DISTINCT FROM $4 ORDER BY id LIMIT $5),
gone AS (DELETE FROM sess_sessions WHERE tag = $1 AND subject = $3 AND id IN (SELECT id FROM page) RETURNING expires_at)
SELECT max(id) AS last, (SELECT count(*) FROM gone WHERE expires_at > $6)::int AS done FROM page`
const COUNT = `
WITH page AS (SELECT tag, id, expires_at FROM sess_sessions WHERE (tag, id) > ($1, $2) ORDER BY tag, id LIMIT $3)
SELECT tag, id, (SELECT count(*) FROM page WHERE expires_at > $4)::int AS live
FROM page ORDER BY tag DESC, id DESC LIMIT 1`
const CLOCK = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS now'
const SWEEP = `
DELETE FROM sess_sessions WHERE ctid IN (
  SELECT ctid FROM sess_sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`

/** How many records are read at once. */
const PAGE = 100

interface Row {
  tag: string
  id: string
  revision: Buffer
  expires_at: Buffer
  subject: Buffer | null
  payload: Buffer
}

/**
 * Sessions in PostgreSQL.
 *
 * @param pool - Yours to make and to end. Run {@link SCHEMA} once before.
 * @throws {SessError} `invalid_option` for what is no Pool of pg.
 */
export function pgStore(pool: Pool): SessionStore {
  return defineStore(new PgStore(new Database(pool)))
}

class PgStore implements StoreImplementation {
  readonly name = 'pg'
  readonly traits = { maxPayloadBytes: 1_048_576 }
  readonly #database: Database
  readonly #sizes = { delete: new PageSize(), count: new PageSize(), sweep: new PageSize() }

  constructor(database: Database) {
    this.#database = database
  }

  async read({ tag, id }: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const { rows } = await this.#database.query<Row>(READ, [tag, id, now])
    return rows[0] && recordOf(rows[0])
  }

  async create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject, payload } = record
    const owner = subject === undefined ? null : Buffer.from(subject)
    const { rowCount } = await this.#database.query(CREATE, [tag, id, revision, expiresAt, owner, payload, now])
    return rowCount === 1
  }

  async replace(
    { tag, id }: SessionKey,
    expected: ExpectedRecord,
    { revision, expiresAt, payload }: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    return this.#compareAndSet('replaced', REPLACE, [tag, id, now, expected.revision, revision, expiresAt, payload])
  }

  async touch(
    { tag, id }: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    return this.#compareAndSet('touched', TOUCH, [tag, id, now, expected.revision, expiresAt])
  }

  async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    const { rows } = await this.#database.query<{ live: boolean }>(DELETE, [tag, id, now])
    return rows.some(({ live }) => live)
  }

  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let after = ''; ;) {
      const { rows } = await this.#database.query<Row>(LIST, [tag, after, Buffer.from(subject), now, PAGE])
      for (const row of rows) yield [{ tag, id: (after = row.id) }, recordOf(row)]
      if (rows.length < PAGE) return
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let last: SessionKey = { tag: '', id: '' }; ;) {
      const { rows } = await this.#database.query<Row>(ALL, [last.tag, last.id, now, PAGE])
      for (const row of rows) yield [(last = { tag: row.tag, id: row.id }), recordOf(row)]
      if (rows.length < PAGE) return
    }
  }

  async *deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : null
    const owner = Buffer.from(subject)
    for (let after: string | null = ''; ;) {
      const { rows }: QueryResult<{ last: string | null; done: number }> = await this.#page(
        this.#sizes.delete,
        (size) => this.#database.query(DELETE_SUBJECT, [tag, after, owner, spared, size, now]),
      )
      const { last, done } = rows[0]!
      if (last === null) return
      yield done
      after = last
    }
  }

  async *count(now: number): AsyncIterable<number> {
    for (let last: SessionKey = { tag: '', id: '' }; ;) {
      const { tag, id } = last
      const { rows } = await this.#page(this.#sizes.count, (size) =>
        this.#database.query<SessionKey & { live: number }>(COUNT, [tag, id, size, now]),
      )
      if (!rows[0]) return
      yield rows[0].live
      last = rows[0]
    }
  }

  async clock(): Promise<number> {
    return (await this.#database.query<{ now: number }>(CLOCK, [])).rows[0]!.now
  }

  async *sweep(until: number): AsyncIterable<number> {
    for (;;) {
      const { rowCount } = await this.#page(this.#sizes.sweep, (size) => this.#database.query(SWEEP, [until, size]))
      if (!rowCount) return
      yield rowCount
    }
  }

  /** Asks for a page, and adapts the size of the next to the time that this one took. */
  async #page<R extends QueryResultRow>(
    pages: PageSize,
    ask: (size: number) => Promise<QueryResult<R>>,
  ): Promise<QueryResult<R>> {
    const { size } = pages
    const began = performance.now()
    const result = await ask(size)
    pages.took(performance.now() - began, size)
    return result
  }

  async #compareAndSet<Done>(done: Done, sql: string, values: unknown[]): Promise<Done | 'conflict' | 'missing'> {
    const row = (await this.#database.query<{ live: number; done: number }>(sql, values)).rows[0]!
    return row.done ? done : row.live ? 'conflict' : 'missing'
  }
}

function recordOf({ revision, expires_at: expiresAt, subject, payload }: Row): SessionRecord {
  return {
    revision: revision.readDoubleBE(),
    expiresAt: expiresAt.readDoubleBE(),
    payload: new Uint8Array(payload),
    ...(subject && { subject: subject.toString() }),
  }
}
