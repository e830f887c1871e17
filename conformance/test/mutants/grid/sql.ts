import { isSessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { SqlStore, type Row } from '../../sql/sql-store.ts'
import { made, statements } from '../from-contract/sql.ts'
import type { StoreMutant } from '../mutant.ts'

/** Subjects in a column that takes text which looks like a number for one. */
class Numeric extends SqlStore {
  constructor(file: string) {
    super(file, {
      table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, subject NUMERIC, payload BLOB NOT NULL, PRIMARY KEY (tag, id))`,
    })
  }

  protected override subjectOf(subject: string): never {
    return subject as never
  }

  protected override recordOf(row: Row): SessionRecord {
    return super.recordOf({ ...row, subject: row.subject === null ? null : Buffer.from(String(row.subject)) })
  }
}

/** Faults in a store on SQL. */
export const sqls: readonly StoreMutant[] = [
  statements(
    'a list finds what is under a tag that is a pattern',
    'LIKE, as for the prefix of a name; `_` is any character',
    ['identity/alike-keys'],
    {
      list: `SELECT * FROM sessions WHERE tag LIKE :tag AND subject = :subject AND expires_at > :now AND id > :after
        ORDER BY id LIMIT 50`,
    },
  ),
  statements(
    'a revocation also ends a session of the same id under another tag',
    'ids are unique: DELETE … WHERE id IN (SELECT id …)',
    ['identity/alike-keys'],
    {
      deleteSubject: `DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE tag = :tag AND subject = :subject AND id <> :except) RETURNING expires_at`,
    },
  ),
  statements('a touch goes by the id alone', 'ids are unique', ['identity/alike-keys'], {
    touch: `UPDATE sessions SET expires_at = max(expires_at, :expiresAt)
      WHERE id = :id AND expires_at > :now AND revision = :expected`,
  }),
  statements(
    'a delete does not tell capitals from small letters',
    'lower() of both sides, as in the queries beside it',
    ['identity/alike-keys'],
    { delete: 'DELETE FROM sessions WHERE tag = :tag AND lower(id) = lower(:id) RETURNING expires_at' },
  ),
  made(
    'a subject of digits is a number',
    'a column of the type NUMERIC, for users have numbers',
    ['round-trip/subjects-through-all'],
    (file) => new Numeric(file),
  ),
  statements(
    'a sweep passes by the sessions of subjects',
    'it was written against the flood of anonymous sessions',
    ['clock/sweep-takes-whatever-ended'],
    {
      sweep: `DELETE FROM sessions WHERE rowid IN
        (SELECT rowid FROM sessions WHERE expires_at <= :until AND subject IS NULL LIMIT 100)`,
    },
  ),
  made(
    'a list of all goes by position, and skips where sessions went',
    'LIMIT and OFFSET',
    ['subjects/all-under-writes'],
    (file) =>
      new (class extends SqlStore {
        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for (let offset = 0; ; offset += 50) {
            const rows = this.rows('all', { now, offset })
            for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
            if (rows.length < 50) return
          }
        }
      })(file, { all: 'SELECT * FROM sessions WHERE expires_at > :now ORDER BY tag, id LIMIT 50 OFFSET :offset' }),
  ),
  made(
    'a revocation gathers page by page by position what it then deletes, and skips where sessions went',
    'LIMIT and OFFSET, and the deletes at the end, so that the positions stay',
    ['subjects/revoke-under-writes'],
    (file) =>
      new (class extends SqlStore {
        override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
          const ids: string[] = []
          for (let offset = 0; ; offset += 50) {
            const rows = this.rows('deleteSubject', { tag: subject.tag, subject: this.subjectOf(subject.id), offset })
            ids.push(...rows.map(({ id }) => id))
            if (rows.length < 50) break
            yield 0
          }
          for (const id of ids) if (id !== except?.id) yield Number(await this.delete({ tag: subject.tag, id }, now))
        }
      })(file, {
        deleteSubject:
          'SELECT * FROM sessions WHERE tag = :tag AND subject = :subject ORDER BY id LIMIT 50 OFFSET :offset',
      }),
  ),
  made(
    'a count that its caller leaves early holds its transaction open',
    'BEGIN before the first page, COMMIT after the last, and no `finally`',
    ['subjects/pages-let-write'],
    (file) =>
      new (class extends SqlStore {
        override async *count(now: number): AsyncIterable<number> {
          this.rows('count', { now })
          this.database.exec('SAVEPOINT counting')
          yield* super.count(now)
          this.database.exec('RELEASE counting')
        }
      })(file),
  ),
  made(
    'a sweep that fails removes nothing, and says so by 0',
    '`catch { log() }`: the next sweep will do it',
    ['faults/full-sweep'],
    (file) =>
      new (class extends SqlStore {
        override async *sweep(now: number): AsyncIterable<number> {
          try {
            yield* super.sweep(now)
          } catch (error) {
            if (isSessError(error)) throw error
            yield 0
          }
        }
      })(file),
  ),
]
