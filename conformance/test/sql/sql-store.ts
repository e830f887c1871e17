import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  memoryStore,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
  type Subject,
} from '@sess/core'
import { asExpected, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'

/** The statements of {@link SqlStore}, by name, for mutants to write another in the place of one. */
const STATEMENTS = {
  table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, subject BLOB, payload BLOB NOT NULL, PRIMARY KEY (tag, id)) STRICT`,
  index: 'CREATE INDEX IF NOT EXISTS sessions_expires_at ON sessions (expires_at)',
  read: 'SELECT * FROM sessions WHERE tag = :tag AND id = :id AND expires_at > :now',
  create: `INSERT INTO sessions AS old (tag, id, revision, expires_at, subject, payload)
    VALUES (:tag, :id, :revision, :expiresAt, :subject, :payload)
    ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
      subject = excluded.subject, payload = excluded.payload WHERE old.expires_at <= :now`,
  replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
    WHERE tag = :tag AND id = :id AND expires_at > :now AND revision = :expected`,
  touch: `UPDATE sessions SET expires_at = max(expires_at, :expiresAt)
    WHERE tag = :tag AND id = :id AND expires_at > :now AND revision = :expected`,
  delete: 'DELETE FROM sessions WHERE tag = :tag AND id = :id RETURNING expires_at',
  list: `SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now AND id > :after
    ORDER BY id LIMIT 50`,
  all: `SELECT * FROM sessions WHERE expires_at > :now AND (tag, id) > (:afterTag, :after) ORDER BY tag, id LIMIT 50`,
  deleteSubject: 'DELETE FROM sessions WHERE tag = :tag AND subject = :subject AND id <> :except RETURNING expires_at',
  count: 'SELECT count(*) AS live FROM sessions WHERE expires_at > :now',
  sweep: 'DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires_at <= :until LIMIT 100)',
}

type Name = keyof typeof STATEMENTS
export type Statements = Readonly<Record<Name, string>>
type Values = Readonly<Record<string, SQLInputValue>>

export interface Row {
  readonly tag: string
  readonly id: string
  readonly revision: number
  readonly expires_at: number
  readonly subject: Uint8Array | null
  readonly payload: Uint8Array
}

/** A sound store on SQL: one statement a call. */
export class SqlStore implements SessionStore {
  readonly name: string = 'sql'
  readonly traits: StoreTraits = memoryStore().traits
  protected readonly database: DatabaseSync
  readonly #statements: Statements
  readonly #prepared = new Map<string, StatementSync>()
  protected closed = false

  constructor(file: string, statements: Partial<Statements> = {}) {
    this.database = new DatabaseSync(file)
    this.#statements = { ...STATEMENTS, ...statements }
    this.database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 2000`)
    this.database.exec(`${this.#statements.table}; ${this.#statements.index}`)
  }

  async read({ tag, id }: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    const [row] = this.rows('read', { tag, id, now })
    return row && asExpected(this.recordOf(row))
  }

  async create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    this.fits(record)
    const subject = record.subject === undefined ? null : this.subjectOf(record.subject)
    return this.run('create', { ...valuesOf(record), subject, tag, id, now }) === 1
  }

  async replace(
    { tag, id }: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    this.fits(record)
    if (this.run('replace', { ...valuesOf(record), tag, id, now, expected: expected.revision })) return 'replaced'
    return this.rows('read', { tag, id, now }).length ? 'conflict' : 'missing'
  }

  async touch(
    { tag, id }: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    if (this.run('touch', { tag, id, now, expiresAt, expected: expected.revision })) return 'touched'
    return this.rows('read', { tag, id, now }).length ? 'conflict' : 'missing'
  }

  async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    return this.rows('delete', { tag, id }).some((row) => row.expires_at > now)
  }

  async *list({ id, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let after = ''; ;) {
      const rows = this.rows('list', { tag, subject: this.subjectOf(id), now, after })
      for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
      if (rows.length < 50) return
      after = rows.at(-1)!.id
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let last = { tag: '', id: '' }; ;) {
      const rows = this.rows('all', { now, afterTag: last.tag, after: last.id })
      for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
      if (rows.length < 50) return
      last = rows.at(-1)!
    }
  }

  async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const rows = this.rows('deleteSubject', {
      tag,
      subject: this.subjectOf(id),
      except: except?.tag === tag ? except.id : '',
    })
    yield rows.filter((row) => row.expires_at > now).length
  }

  async *count(now: number): AsyncIterable<number> {
    yield (this.rows('count', { now })[0] as unknown as { live: number }).live
  }

  async *sweep(now: number): AsyncIterable<number> {
    for (;;) {
      const swept = this.run('sweep', { until: Math.min(now, Date.now()) - GRACE_MS, now })
      yield swept
      if (swept === 0) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async close(): Promise<void> {
    if (!this.closed) this.database.close()
    this.closed = true
  }

  protected rows(name: Name, values: Values): Row[] {
    return this.statement(name).all(values) as unknown as Row[]
  }

  protected run(name: Name, values: Values): number {
    return Number(this.statement(name).run(values).changes)
  }

  protected subjectOf(subject: string): Uint8Array {
    return Buffer.from(subject)
  }

  protected recordOf(row: Row): SessionRecord {
    const { revision, subject, payload } = row
    return {
      revision,
      expiresAt: row.expires_at,
      payload,
      ...(subject !== null && { subject: Buffer.from(subject).toString() }),
    }
  }

  protected fits({ payload }: SessionRecord): void {
    if (payload.length > this.traits.maxPayloadBytes) throw new SessError('too_large', 'the payload is too large')
  }

  protected statement(name: Name): StatementSync {
    if (this.closed) throw new SessError('store_unavailable', 'the sql store was closed')
    let statement = this.#prepared.get(name)
    if (!statement) {
      statement = this.database.prepare(this.#statements[name])
      // A mutant may leave a value out.
      statement.setAllowUnknownNamedParameters(true)
      this.#prepared.set(name, statement)
    }
    return statement
  }
}

function valuesOf({ revision, expiresAt, payload }: SessionRecord): Values {
  return { revision, expiresAt, payload }
}
