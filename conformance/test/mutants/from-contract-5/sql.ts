import type { DatabaseSync } from 'node:sqlite'
import { SessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import type { Space } from '../../../src/contract.ts'
import { sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Row, type Statements } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'

type Entry = readonly [SessionKey, SessionRecord]

const on =
  (Store: new (file: string, statements?: Partial<Statements>) => SqlStore, statements: Partial<Statements> = {}) =>
  (): Promise<Space> =>
    sqlHarness((file) => new Store(file, statements)).open()

/** With statements of its own. */
class Own extends SqlStore {
  protected get own(): DatabaseSync {
    if (this.closed) throw new SessError('store_unavailable', 'the sql store was closed')
    return this.database
  }
}

class EndsNow extends SqlStore {
  override async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    return this.run('delete', { tag, id, now }) === 1
  }
}

class Iterates extends Own {
  override async *all(now: number): AsyncIterable<Entry> {
    const statement = this.own.prepare('SELECT * FROM sessions WHERE expires_at > ? ORDER BY tag, id')
    for (const row of statement.iterate(now) as Iterable<unknown> as Iterable<Row>) {
      yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
      if (this.closed) throw new SessError('store_unavailable', 'the sql store was closed')
    }
  }
}

class SubjectsAreStrings extends SqlStore {
  protected override subjectOf(subject: string): Uint8Array {
    return subject as unknown as Uint8Array
  }

  protected override recordOf(row: Row): SessionRecord {
    return super.recordOf({ ...row, subject: row.subject === null ? null : Buffer.from(String(row.subject)) })
  }
}

class CountsInPages extends SqlStore {
  override async *count(now: number): AsyncIterable<number> {
    for (let after = now; ;) {
      const [page] = this.rows('count', { after }) as unknown as { live: number; last: number }[]
      yield page!.live
      if (page!.live < 1000) return
      after = page!.last
    }
  }
}

class SweepsByList extends Own {
  override async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    const rows = this.own.prepare('SELECT rowid AS it FROM sessions WHERE expires_at <= ?').all(until)
    while (rows.length > 0) {
      const its = rows.splice(0, 100).map(({ it }) => it)
      yield Number(this.own.prepare(`DELETE FROM sessions WHERE rowid IN (${its.join()})`).run().changes)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

class AllOrNothing extends Own {
  override async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const isOuter = !this.own.isTransaction
    if (isOuter) this.own.exec('BEGIN IMMEDIATE')
    try {
      for (let rows; ;) {
        const spared = except?.tag === tag ? except.id : ''
        rows = this.rows('deleteSubject', { tag, subject: this.subjectOf(id), except: spared })
        if (rows.length === 0) break
        yield rows.filter((row) => row.expires_at > now).length
      }
      if (isOuter) this.own.exec('COMMIT')
    } finally {
      if (isOuter && !this.closed && this.own.isTransaction) this.own.exec('ROLLBACK')
    }
  }
}

class TidiesUp extends SqlStore {
  override async close(): Promise<void> {
    if (!this.closed) this.database.prepare('DELETE FROM sessions WHERE expires_at <= ?').run(Date.now())
    await super.close()
  }
}

class NewestFirst extends SqlStore {
  override async *list({ id, tag }: Subject, now: number): AsyncIterable<Entry> {
    for (let last = { id: '', expires_at: Number.MAX_SAFE_INTEGER }; ;) {
      const values = { tag, subject: this.subjectOf(id), now, ends: last.expires_at, after: last.id }
      const rows = this.rows('list', values)
      for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
      if (rows.length < 50) return
      last = rows.at(-1)!
    }
  }
}

class WritesNothingTwice extends SqlStore {
  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    if (Buffer.compare(expected.payload, record.payload) !== 0) return super.replace(key, expected, record, now)
    const touched = await this.touch(key, expected, record.expiresAt, now)
    return touched === 'touched' ? 'replaced' : touched
  }
}

export const sql: readonly StoreMutant[] = [
  // create(k); A.delete(k, now) = true; B.read(k, now - 5 s) = the record
  {
    name: 'a delete ends the record at the time of its caller, and leaves the row to the sweep',
    habit: 'a soft delete: one way to end a session in the table, and rows to look at after an incident',
    killedBy: ['clock/deleted-by-a-clock-ahead'],
    open: on(EndsNow, {
      delete: 'UPDATE sessions SET expires_at = :now WHERE tag = :tag AND id = :id AND expires_at > :now',
    }),
  },
  // A.all: one record is taken; B.delete(k) = true; A.read(k) = the record, until the iteration ends
  {
    name: 'while somebody goes through all, the client reads what there was when that began',
    habit: 'iterate() of the driver in the place of pages: the open statement holds the snapshot of its connection',
    killedBy: ['subjects/pages-let-write'],
    open: on(Iterates),
  },
  // create(k of "007"); read(k).subject = "7"; list("7") under the same tag = [k]
  {
    name: 'a subject that looks like a number is stored as one',
    habit: 'a column of the type STRING, which in SQLite has the affinity NUMERIC',
    killedBy: ['round-trip/subjects-through-all'],
    open: on(SubjectsAreStrings, {
      table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        expires_at INTEGER NOT NULL, subject STRING, payload BLOB NOT NULL, PRIMARY KEY (tag, id))`,
    }),
  },
  // create 1,001 records that end at the same time; count = 1,000
  {
    name: 'a count goes on after the last expiry of a page, and leaves out what ends at the same time',
    habit: 'a count in pages along the index that there is, with a cursor that is not unique',
    killedBy: ['scale/ten-thousand-counted'],
    open: on(CountsInPages, {
      count: `SELECT count(*) AS live, max(expires_at) AS last FROM
        (SELECT expires_at FROM sessions WHERE expires_at > :after ORDER BY expires_at LIMIT 1000)`,
    }),
  },
  // 101 records have ended; A.sweep: one page; B.create(the last of them) = true; A.sweep goes on; read = undefined
  {
    name: 'a sweep notes which rows have ended, and deletes them page by page without another look',
    habit: 'one query for the rows, then short deletes by rowid, so that no lock is held for long',
    killedBy: ['races/created-between-pages'],
    open: on(SweepsByList),
  },
  // A.deleteSubject of 60: one page; A.create(k) = true; the caller stops; read(k) = undefined
  {
    name: 'deleteSubject is one transaction over all its pages, which takes in the other writes of its connection',
    habit: 'all or nothing, with a rollback in finally, on the one connection of the store',
    killedBy: ['subjects/pages-let-write'],
    open: on(AllOrNothing, {
      deleteSubject: `DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions
        WHERE tag = :tag AND subject = :subject AND id <> :except LIMIT 50) RETURNING expires_at`,
    }),
  },
  // create(k of "a"); it ends; create(k of "b") = true; read(k).subject = "a"
  {
    name: 'a create in the place of an ended record keeps the old subject',
    habit: 'the list of columns is copied from the replace, and a subject never changes',
    killedBy: ['clock/create-over-expired'],
    open: on(SqlStore, {
      create: `INSERT INTO sessions AS old (tag, id, revision, expires_at, subject, payload)
        VALUES (:tag, :id, :revision, :expiresAt, :subject, :payload)
        ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision, expires_at = excluded.expires_at,
          payload = excluded.payload WHERE old.expires_at <= :now`,
    }),
  },
  // the clock of B is 10 s behind: B.create(k, ends in 5 s) = true; A.close(); B.read(k) = undefined
  {
    name: 'a close deletes what has ended by the clock of its process',
    habit: 'a store tidies up before it goes, with a query that has no minute of grace',
    killedBy: ['clock/sweep-by-both-clocks'],
    open: on(TidiesUp),
  },
  // create 51 records of s; list(s): one is taken; touch(the one that ends first, to the latest time); it is never listed
  {
    name: 'a list goes by expiry, so that a record that is touched meanwhile jumps over the cursor',
    habit: 'a page of devices shows the newest first, and the cursor is that of the order',
    killedBy: ['subjects/list-under-writes'],
    open: on(NewestFirst, {
      list: `SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now
        AND (expires_at < :ends OR (expires_at = :ends AND id > :after)) ORDER BY expires_at DESC, id LIMIT 50`,
    }),
  },
  // create(k r1 "x"); replace(r1 to r2 "x") = replaced; read(k).revision = 1
  {
    name: 'a replace with the same payload is done as a touch, and leaves the revision',
    habit: 'a write that changes nothing is left out, as resave: false does in other session stores',
    killedBy: ['races/stale-replace', 'round-trip/large-revision'],
    open: on(WritesNothingTwice),
  },
]
