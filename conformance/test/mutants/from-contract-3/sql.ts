import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import { sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Statements } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'

/** The store on SQL with another statement in the place of one, and with methods to go with it. */
const opened = (statements: Partial<Statements>, Store: typeof SqlStore = SqlStore): StoreMutant['open'] => {
  const harness = sqlHarness((file) => new Store(file, statements))
  return () => harness.open()
}

export const sql: readonly StoreMutant[] = [
  // create(k of ann, to t); create(k of bob, now t) = true; read(k).subject = ann
  {
    name: 'a record that takes the place of an expired one keeps its subject',
    habit: 'writes the SET of an upsert with the columns that a save changes, of which the user is none',
    killedBy: ['clock/create-over-expired'],
    open: opened({
      create: `INSERT INTO sessions AS old (tag, id, revision, expires_at, subject, payload)
        VALUES (:tag, :id, :revision, :expiresAt, :subject, :payload)
        ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
          payload = excluded.payload WHERE old.expires_at <= :now`,
    }),
  },
  // create(k to t + 1000); replace(k, to t) = replaced; read(k, now t) = record
  {
    name: 'a replace never moves the expiry to an earlier time',
    habit: 'shares the assignment of the expiry with touch, where the later time stays',
    killedBy: ['clock/replace-shortens'],
    open: opened({
      replace: `UPDATE sessions SET revision = :revision, payload = :payload, expires_at = max(expires_at, :expiresAt)
        WHERE tag = :tag AND id = :id AND expires_at > :now AND revision = :expected`,
    }),
  },
  // create(k to t); r = read(k); touch(k, r, t + 3); touch(k, r, t + 2) = touched; read(k).expiresAt = t + 2
  {
    name: 'a touch is later or not by the record that was read, and not by the one that is stored',
    habit: 'compares in the application, which has the record at hand, and relies on the revision for the rest',
    killedBy: ['races/touches-meet'],
    open: opened(
      {
        touch: `UPDATE sessions SET expires_at = :expiresAt
          WHERE tag = :tag AND id = :id AND expires_at > :now AND revision = :expected`,
      },
      class extends SqlStore {
        override async touch(
          key: SessionKey,
          expected: ExpectedRecord,
          expiresAt: number,
          now: number,
        ): Promise<'touched' | 'conflict' | 'missing'> {
          return super.touch(key, expected, Math.max(expected.expiresAt, expiresAt), now)
        }
      },
    ),
  },
  // create(k to t); delete(k, now t) = false; read(k, now t - 1), by a clock that is slower = record
  {
    name: 'a delete leaves what has expired by the clock of its caller',
    habit: 'puts the condition of a live record into every statement, as a default scope',
    killedBy: ['clock/deleted-by-a-clock-ahead'],
    open: opened(
      { delete: 'DELETE FROM sessions WHERE tag = :tag AND id = :id AND expires_at > :now RETURNING expires_at' },
      class extends SqlStore {
        override async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
          return this.rows('delete', { tag, id, now }).length > 0
        }
      },
    ),
  },
  // create(60 records of ann); the first of list(ann); touch it, to the latest time; the rest has it again
  {
    name: 'a list lists a record again that is touched meanwhile',
    habit: 'sorts devices by when they were last used, and goes on after that time',
    killedBy: ['subjects/list-under-writes'],
    open: opened(
      {
        list: `SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now
          AND (expires_at, id) > (:afterEnd, :after) ORDER BY expires_at, id LIMIT 50`,
      },
      class extends SqlStore {
        override async *list({ id, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for (let last = { expires_at: 0, id: '' }; ;) {
            const rows = this.rows('list', {
              tag,
              subject: this.subjectOf(id),
              now,
              afterEnd: last.expires_at,
              after: last.id,
            })
            for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
            if (rows.length < 50) return
            last = rows.at(-1)!
          }
        }
      },
    ),
  },
  // create('a_aaaaaaaaaaaaaa', 'abaaaaaaaaaaaaaa' of ann); deleteSubject(ann, except the first) = 0; read(the second) = record
  {
    name: 'the key under `except` is a pattern, in which _ stands for any character and case does not count',
    habit: 'compares with LIKE, and knows of % but not of _, which base64url has',
    killedBy: ['identity/alike-excepted'],
    open: opened({
      deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND subject = :subject AND id NOT LIKE :except
        RETURNING expires_at`,
    }),
  },
  // create(k, without a subject) = true; count() = 0
  {
    name: 'anonymous sessions are not counted',
    habit: 'counts a column, and COUNT passes over NULL',
    killedBy: ['subjects/count'],
    open: opened({ count: 'SELECT count(subject) AS live FROM sessions WHERE expires_at > :now' }),
  },
  // create(k for 10 minutes, now an hour ago); sweep(now an hour ago) = 1; read(k, now an hour ago) = undefined
  {
    name: 'a sweep goes by the clock of the database alone',
    habit: 'runs DELETE … WHERE expires_at < now() - interval, as a job of the database would',
    killedBy: ['clock/sweep-takes-expired-alone'],
    open: opened({
      sweep: `DELETE FROM sessions WHERE rowid IN
        (SELECT rowid FROM sessions WHERE expires_at <= unixepoch('subsec') * 1000 - 60000 LIMIT 100)`,
    }),
  },
  // close(); read(k) rejects: ERR_INVALID_STATE
  {
    name: 'a call after close rejects with the error of the driver',
    habit: 'leaves it to the driver to refuse what comes after the end',
    killedBy: ['life-cycle/use-after-close'],
    open: opened(
      {},
      class extends SqlStore {
        override async close(): Promise<void> {
          if (this.database.isOpen) this.database.close()
        }
      },
    ),
  },
  // create(k of 😀) = true; deleteSubject(😈, of the same tag) = 1; read(k) = undefined
  {
    name: 'subjects are the same if they differ only in characters beyond the first plane',
    habit: "makes the column utf8, which in MySQL has at most three bytes a character, and turns the others into '?'",
    killedBy: ['subjects/any-characters'],
    open: opened(
      {},
      class extends SqlStore {
        protected override subjectOf(subject: string): Uint8Array {
          return super.subjectOf(subject.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?'))
        }
      },
    ),
  },
]
