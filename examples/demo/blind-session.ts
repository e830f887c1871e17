import { randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** How long a blind session lives after its last save, in ms. */
const LIFETIME_MS = 5 * 60_000

/** A session as in most libraries: a copy of all data, which is saved as a whole. */
export interface BlindSession {
  id: string
  data: Record<string, string>
}

/**
 * The opponent in the race lab: sessions that load all data, and save all data over the stored session. express-session and
 * @fastify/session do the same with their stores (`get`, `set`, `destroy`); this class is not worse. Each call is atomic and durable, in
 * the same SQLite file as the sessions of @sess.
 */
export class BlindSessions {
  readonly #database: DatabaseSync
  readonly #get: StatementSync
  readonly #set: StatementSync
  readonly #destroy: StatementSync
  readonly #sweep: StatementSync

  constructor(file: string) {
    const database = (this.#database = new DatabaseSync(file, { timeout: 5000 }))
    // The same setting as in @sess/sqlite, so that the race is fair.
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec(
      'CREATE TABLE IF NOT EXISTS blind_sessions (id TEXT PRIMARY KEY, data TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT',
    )
    this.#get = database.prepare('SELECT data FROM blind_sessions WHERE id = ? AND expires_at > ?')
    this.#set = database.prepare('INSERT OR REPLACE INTO blind_sessions (id, data, expires_at) VALUES (?, ?, ?)')
    this.#destroy = database.prepare('DELETE FROM blind_sessions WHERE id = ?')
    this.#sweep = database.prepare('DELETE FROM blind_sessions WHERE expires_at <= ?')
  }

  /** A new session, not yet saved. */
  create(data: Record<string, string> = {}): BlindSession {
    return { id: randomBytes(24).toString('base64url'), data }
  }

  load(id: string): BlindSession | undefined {
    const row = this.#get.get(id, Date.now()) as { data: string } | undefined
    return row && { id, data: JSON.parse(row.data) as Record<string, string> }
  }

  save(session: BlindSession): void {
    this.#set.run(session.id, JSON.stringify(session.data), Date.now() + LIFETIME_MS)
  }

  destroy(session: BlindSession): void {
    this.#destroy.run(session.id)
  }

  /** Removes expired sessions. */
  sweep(): void {
    this.#sweep.run(Date.now())
  }

  close(): void {
    this.#database.close()
  }
}
