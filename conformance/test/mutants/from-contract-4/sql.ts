import { SessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { harness, sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Row, type Statements } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'

/** The store on SQL with another statement in the place of one, and with methods to go with it. */
const opened = (statements: Partial<Statements>, Store: typeof SqlStore = SqlStore): StoreMutant['open'] => {
  const harness = sqlHarness((file) => new Store(file, statements))
  return () => harness.open()
}

/** The stores that are open in this process, by their files. */
const stores = new Map<string, SqlStore>()

/** A store that all who ask for its file have. */
class Shared extends SqlStore {
  readonly #file: string

  constructor(file: string) {
    super(file)
    this.#file = file
    stores.set(file, this)
  }

  override async close(): Promise<void> {
    if (stores.get(this.#file) === this) stores.delete(this.#file)
    await super.close()
  }
}

export const sql: readonly StoreMutant[] = [
  // a.all(), its first record; b.delete(k) = true; a.read(k) = record, until a.all() has ended
  {
    name: 'while a client lists all records, it reads what was there at the beginning',
    habit: 'iterates over a cursor, on the connection on which it reads as well',
    killedBy: ['subjects/pages-let-write', 'subjects/all-under-writes'],
    open: opened(
      {},
      class extends SqlStore {
        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          this.#check()
          const cursor = this.database.prepare('SELECT * FROM sessions WHERE expires_at > :now')
          for (const row of cursor.iterate({ now }) as Iterable<unknown> as Iterable<Row>) {
            yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
            this.#check()
          }
        }

        #check(): void {
          if (!this.database.isOpen) throw new SessError('store_unavailable', 'the sql store was closed')
        }
      },
    ),
  },
  // close() and close(), at once: the second rejects
  {
    name: 'of two closes at once, one fails',
    habit: 'notes that the store is closed once it is, after it has waited',
    killedBy: ['life-cycle/close'],
    open: opened(
      {},
      class extends SqlStore {
        #isClosed = false

        override async close(): Promise<void> {
          if (this.#isClosed) return
          await new Promise((resolve) => setImmediate(resolve)) // what is under way ends
          this.database.exec('PRAGMA optimize')
          await super.close()
          this.#isClosed = true
        }
      },
    ),
  },
  // the disk is full; create(k) = false; read(k) = undefined
  {
    name: 'a create that the database refuses answers that a record is there',
    habit: 'catches the error of a duplicate key by its code, which the driver gives every error (ERR_SQLITE_ERROR)',
    killedBy: ['faults/full-create'],
    open: opened(
      {},
      class extends SqlStore {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          try {
            return await super.create(key, record, now)
          } catch (error) {
            if ((error as { code?: string }).code === 'ERR_SQLITE_ERROR') return false
            throw error
          }
        }
      },
    ),
  },
  // create(k of "007"); read(k).subject = "7"; list("7") = k
  {
    name: 'a subject that looks like a number is one',
    habit: 'declares the column as STRING, which SQLite takes for NUMERIC',
    killedBy: ['round-trip/subjects-through-all'],
    open: opened({
      table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, subject STRING, payload BLOB NOT NULL, PRIMARY KEY (tag, id))`,
      create: `INSERT INTO sessions AS old (tag, id, revision, expires_at, subject, payload)
        VALUES (:tag, :id, :revision, :expiresAt, CAST(:subject AS TEXT), :payload)
        ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
          subject = excluded.subject, payload = excluded.payload WHERE old.expires_at <= :now`,
      read: `SELECT tag, id, revision, expires_at, CAST(subject AS BLOB) AS subject, payload FROM sessions
        WHERE tag = :tag AND id = :id AND expires_at > :now`,
      list: `SELECT tag, id, revision, expires_at, CAST(subject AS BLOB) AS subject, payload FROM sessions
        WHERE tag = :tag AND sessions.subject = CAST(:subject AS TEXT) AND expires_at > :now AND id > :after
        ORDER BY id LIMIT 50`,
      all: `SELECT tag, id, revision, expires_at, CAST(subject AS BLOB) AS subject, payload FROM sessions
        WHERE expires_at > :now AND (tag, id) > (:afterTag, :after) ORDER BY tag, id LIMIT 50`,
      deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND subject = CAST(:subject AS TEXT) AND id <> :except
        RETURNING expires_at`,
    }),
  },
  // create(k of ann, under t); deleteSubject(ann, under t, except a key under another tag) = 0; read(k) = record
  {
    name: 'a revocation except a key under another tag deletes nothing',
    habit: 'passes NULL where there is nothing to spare, and takes `id <> NULL` for true',
    killedBy: ['identity/alike-excepted'],
    open: opened(
      {
        deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND subject = :subject AND (:all OR id <> :except)
          RETURNING expires_at`,
      },
      class extends SqlStore {
        override async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
          const rows = this.rows('deleteSubject', {
            tag,
            subject: this.subjectOf(id),
            all: Number(except === undefined),
            except: except?.tag === tag ? except.id : null,
          })
          yield rows.filter((row) => row.expires_at > now).length
        }
      },
    ),
  },
  // create(49 records, and then 2 under the last tag); all() = 50 records
  {
    name: '`all` goes on after the tag of the last record, and passes over others under that tag',
    habit: 'pages by the first column of the key, as if it were unique',
    killedBy: ['subjects/slow-list-of-all', 'subjects/pages-at-once'],
    open: opened({
      all: 'SELECT * FROM sessions WHERE expires_at > :now AND tag > :afterTag ORDER BY tag, id LIMIT 50',
    }),
  },
  // sweep(); create(k, by a slow clock, ended 2 minutes ago); sweep() = 0
  {
    name: 'a sweep begins where the one before has ended',
    habit: 'remembers up to which time it has swept, as with a log that only grows',
    killedBy: ['clock/sweep-after-sweep'],
    open: opened(
      {
        sweep: `DELETE FROM sessions WHERE rowid IN
          (SELECT rowid FROM sessions WHERE expires_at > :from AND expires_at <= :until LIMIT 100)`,
      },
      class extends SqlStore {
        #sweptUntil = -1

        override async *sweep(now: number): AsyncIterable<number> {
          const until = Math.min(now, Date.now()) - GRACE_MS
          for (let swept = 1; swept > 0; yield swept) swept = this.run('sweep', { from: this.#sweptUntil, until })
          this.#sweptUntil = Math.max(this.#sweptUntil, until)
        }
      },
    ),
  },
  // r = a.read(k), of revision 3; b.delete(k) = true; b.create(k), of revision 1; a.replace(k, r) = replaced
  {
    name: 'a replace is applied if it is newer than what is there',
    habit: 'has the version come from outside (version_type=external), where the higher one wins',
    killedBy: ['round-trip/replace-conflict'],
    open: opened({
      replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
        WHERE tag = :tag AND id = :id AND expires_at > :now AND revision < :revision`,
    }),
  },
  // a.close(); b.read(k) rejects with store_unavailable
  {
    name: 'a close closes the database of all stores on its file in this process',
    habit: 'keeps one connection for each file in a Map, so that a reload of the code opens no second one',
    killedBy: ['life-cycle/close'],
    open: () => sqlHarness((file) => stores.get(file) ?? new Shared(file)).open(),
    process: harness.process!,
  },
  // replace(k, r1) and replace(l, of another revision), at once = conflict, conflict; read(k).revision = 2
  {
    name: 'a write learns from a second statement how many rows it has changed, and another write may have come between',
    habit: 'asks for changes() or ROW_COUNT() on a connection that other calls have as well',
    killedBy: ['races/one-client-at-once', 'races/history-of-clients'],
    open: opened(
      {},
      class extends SqlStore {
        override async replace(
          key: SessionKey,
          expected: ExpectedRecord,
          record: SessionRecord,
          now: number,
        ): Promise<'replaced' | 'conflict' | 'missing'> {
          this.fits(record)
          const { revision, expiresAt, payload } = record
          this.run('replace', { ...key, now, revision, expiresAt, payload, expected: expected.revision })
          if (await this.#hasChanged()) return 'replaced'
          return (await this.read(key, now)) ? 'conflict' : 'missing'
        }

        override async touch(
          key: SessionKey,
          expected: ExpectedRecord,
          expiresAt: number,
          now: number,
        ): Promise<'touched' | 'conflict' | 'missing'> {
          this.run('touch', { ...key, now, expiresAt, expected: expected.revision })
          if (await this.#hasChanged()) return 'touched'
          return (await this.read(key, now)) ? 'conflict' : 'missing'
        }

        /** The statement goes to a thread, and the next one in another turn. */
        async #hasChanged(): Promise<boolean> {
          await new Promise((resolve) => setImmediate(resolve))
          if (!this.database.isOpen) throw new Error('the database was closed meanwhile')
          const { changed } = this.database.prepare('SELECT changes() AS changed').get() as { changed: number }
          return changed > 0
        }
      },
    ),
  },
]
