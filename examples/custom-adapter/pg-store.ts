import { SessError, type SessionKey, type SessionRecord, type SessionStore, type Subject } from '@sess/core'
import type { Pool, QueryResult, QueryResultRow } from 'pg'

/** The table. Numbers are doubles, as JavaScript's are; a subject is bytes, for text cannot hold every character. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS sess_sessions (
  tag text NOT NULL, id text NOT NULL, revision float8 NOT NULL, expires_at float8 NOT NULL,
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
const READ = 'SELECT * FROM sess_sessions WHERE tag = $1 AND id = $2 AND expires_at > $3'
const LIST = 'SELECT * FROM sess_sessions WHERE tag = $1 AND subject = $2 AND expires_at > $3'
const DELETE = 'DELETE FROM sess_sessions WHERE tag = $1 AND id = $2 RETURNING expires_at > $3 AS live'
const DELETE_SUBJECT = `
DELETE FROM sess_sessions WHERE tag = $1 AND subject = $2 AND id IS DISTINCT FROM $4 RETURNING expires_at > $3 AS live`
const COUNT = 'SELECT count(*)::int AS count FROM sess_sessions WHERE expires_at > $1'
const SWEEP = `
DELETE FROM sess_sessions WHERE ctid IN (
  SELECT ctid FROM sess_sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`

interface Row {
  id: string
  revision: number
  expires_at: number
  subject: Buffer | null
  payload: Buffer
}

/**
 * Sessions in PostgreSQL.
 *
 * @param pool - Yours to make and to end. Run {@link SCHEMA} once before.
 */
export function pgStore(pool: Pick<Pool, 'query'>): SessionStore {
  return new PgStore(pool)
}

class PgStore implements SessionStore {
  readonly name = 'pg'
  readonly traits: SessionStore['traits'] = Object.freeze({
    maxPayloadBytes: 1_048_576,
    expiryResolutionMs: 1,
    subjects: 'list',
    expiry: 'sweep',
    tagIsShard: false,
    staleMs: 0,
    count: true,
  } as const)
  readonly #pool: Pick<Pool, 'query'>

  constructor(pool: Pick<Pool, 'query'>) {
    this.#pool = pool
  }

  async read({ tag, id }: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const { rows } = await this.#query<Row>(READ, [tag, id, now])
    return rows[0] && recordOf(rows[0])
  }

  async create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject, payload } = record
    const owner = subject === undefined ? null : Buffer.from(subject)
    const { rowCount } = await this.#query(CREATE, [tag, id, revision, expiresAt, owner, this.#fitting(payload), now])
    return rowCount === 1
  }

  async replace(
    { tag, id }: SessionKey,
    { revision, expiresAt, payload }: SessionRecord,
    expected: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const bytes = this.#fitting(payload)
    return this.#compareAndSet('replaced', REPLACE, [tag, id, now, expected.revision, revision, expiresAt, bytes])
  }

  async touch(
    { tag, id }: SessionKey,
    expiresAt: number,
    expected: SessionRecord,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    return this.#compareAndSet('touched', TOUCH, [tag, id, now, expected.revision, expiresAt])
  }

  async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    const { rows } = await this.#query<{ live: boolean }>(DELETE, [tag, id, now])
    return rows.some(({ live }) => live)
  }

  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { rows } = await this.#query<Row>(LIST, [tag, Buffer.from(subject), now])
    for (const row of rows) yield [{ tag, id: row.id }, recordOf(row)]
  }

  async deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): Promise<number> {
    const spared = except?.tag === tag ? except.id : null
    const { rows } = await this.#query<{ live: boolean }>(DELETE_SUBJECT, [tag, Buffer.from(subject), now, spared])
    return rows.filter(({ live }) => live).length
  }

  async count(now: number): Promise<number> {
    return (await this.#query<{ count: number }>(COUNT, [now])).rows[0]!.count
  }

  async sweep(now: number, limit: number): Promise<number> {
    return (await this.#query(SWEEP, [now, limit])).rowCount!
  }

  async #compareAndSet<Done>(done: Done, sql: string, values: unknown[]): Promise<Done | 'conflict' | 'missing'> {
    const row = (await this.#query<{ live: number; done: number }>(sql, values)).rows[0]!
    return row.done ? done : row.live ? 'conflict' : 'missing'
  }

  async #query<R extends QueryResultRow>(text: string, values: unknown[]): Promise<QueryResult<R>> {
    return this.#pool.query<R>(text, values).catch((cause: Error & { severity?: string; code?: string }) => {
      // The server says what it refused, and has then applied nothing. After any other failure the outcome is unknown.
      if (cause.severity !== 'ERROR') throw cause
      const code = cause.code === '53100' ? 'store_full' : 'store_unavailable'
      throw new SessError(code, `PostgreSQL refused: ${cause.message}`, { cause })
    })
  }

  #fitting(payload: Uint8Array): Uint8Array {
    if (payload.length <= this.traits.maxPayloadBytes) return payload
    throw new SessError(
      'too_large',
      `a payload of ${payload.length} bytes is larger than ${this.traits.maxPayloadBytes}`,
    )
  }
}

function recordOf({ revision, expires_at: expiresAt, subject, payload }: Row): SessionRecord {
  return { revision, expiresAt, payload: new Uint8Array(payload), ...(subject && { subject: subject.toString() }) }
}
