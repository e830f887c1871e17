import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  defineStore,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
} from '@sess/core/adapter'

export type MyStoreClient = object

export interface MyStoreOptions {
  readonly prefix?: string
}

/** A right answer to the template: its five methods, over the SQLite of Node.js itself. A prefix is a file. */
export function myStore(_: MyStoreClient, { prefix = 'sess:' }: MyStoreOptions = {}): SessionStore {
  return defineStore(
    new MyStore(new DatabaseSync(join(tmpdir(), `${prefix.replaceAll(':', '')}.db`), { timeout: 10_000 })),
  )
}

const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS sessions (
  tag TEXT NOT NULL, id TEXT NOT NULL, revision REAL NOT NULL, expires REAL NOT NULL,
  subject TEXT, payload BLOB NOT NULL, PRIMARY KEY (tag, id)) STRICT`
const LIVE = 'FROM sessions WHERE tag = ? AND id = ? AND expires > ?'

interface Row {
  readonly revision: number
  readonly expires: number
  readonly subject: string | null
  readonly payload: Uint8Array
}

class MyStore implements StoreImplementation {
  readonly name = 'my'
  readonly traits = { maxPayloadBytes: 1_048_576 }
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
    database.exec(SCHEMA)
  }

  async read({ tag, id }: SessionKey, now: number): Promise<SessionRecord | undefined> {
    const row = this.#sql(`SELECT * ${LIVE}`).get(tag, id, now) as unknown as Row | undefined
    if (!row) return undefined
    const { revision, expires: expiresAt, subject, payload } = row
    return { revision, expiresAt, payload: new Uint8Array(payload), ...(subject !== null && { subject }) }
  }

  async create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject = null, payload } = record
    const sql = `INSERT INTO sessions AS s VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      revision = excluded.revision, expires = excluded.expires, subject = excluded.subject, payload = excluded.payload
      WHERE s.expires <= ?`
    return this.#sql(sql).run(tag, id, revision, expiresAt, subject, payload, now).changes === 1
  }

  async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const { revision, expiresAt, payload } = record
    const sql = 'UPDATE sessions SET revision = ?, expires = ?, payload = ?'
    return this.#compareAndSet('replaced', sql, [revision, expiresAt, payload], key, expected, now)
  }

  async touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const sql = 'UPDATE sessions SET expires = max(expires, ?)'
    return this.#compareAndSet('touched', sql, [expiresAt], key, expected, now)
  }

  async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    const sql = 'DELETE FROM sessions WHERE tag = ? AND id = ? RETURNING expires > ? AS live'
    return this.#sql(sql).get(tag, id, now)?.['live'] === 1
  }

  /** One transaction, so that a conflict and a missing record are told apart as of one moment. */
  #compareAndSet<Done>(
    done: Done,
    sql: string,
    values: (number | Uint8Array)[],
    { tag, id }: SessionKey,
    { revision }: ExpectedRecord,
    now: number,
  ): Done | 'conflict' | 'missing' {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const live = this.#sql(`SELECT revision ${LIVE}`).get(tag, id, now)
      if (!live) return 'missing'
      if (live['revision'] !== revision) return 'conflict'
      this.#sql(`${sql} WHERE tag = ? AND id = ?`).run(...values, tag, id)
      return done
    } finally {
      this.#database.exec('COMMIT')
    }
  }

  #sql(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#database.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }
}
