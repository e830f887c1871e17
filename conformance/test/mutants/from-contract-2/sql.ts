import { gunzipSync } from 'node:zlib'
import { isSessError, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import { sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Row } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'
import { made, statements } from '../from-contract/sql.ts'
import { LooksFirst } from './looks-first.ts'

/** Still reads what an earlier version compressed, and knows that by its first bytes. */
class Unpacks extends SqlStore {
  protected override recordOf(row: Row): SessionRecord {
    const record = super.recordOf(row)
    const [first, second] = record.payload
    const isPacked = first === 0x1f && second === 0x8b
    return isPacked ? { ...record, payload: new Uint8Array(gunzipSync(record.payload)) } : record
  }
}

/** Broken stores on SQL, a second set against sentences of the contract. */
export const sql: readonly StoreMutant[] = [
  // create(id "aaaaaaaaaaaaaaaa") = true; create(id "AAAAAAAAAAAAAAAA", the same tag) = false
  statements('two keys that differ in capitals alone are one', "MySQL's default collation", ['identity/case-matters'], {
    table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL COLLATE NOCASE, id TEXT NOT NULL COLLATE NOCASE,
        revision INTEGER NOT NULL, expires_at INTEGER NOT NULL, subject BLOB, payload BLOB NOT NULL,
        PRIMARY KEY (tag, id)) STRICT`,
  }),
  // create(k1, k2 of ann); the first of list(ann), and break; client 1: create(k3) = true; client 2: read(k3) = undefined
  made(
    'a list that its caller leaves early holds its transaction open',
    'BEGIN before the first page, COMMIT after the last, and no `finally`',
    ['subjects/list-under-writes'],
    (file) =>
      new (class extends SqlStore {
        override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          this.database.exec('SAVEPOINT list')
          yield* super.list(subject, now)
          this.database.exec('RELEASE list')
        }
      })(file),
  ),
  // create(k of a subject of 300 characters); read(k).subject has 255
  made(
    'a subject is cut after 255 characters',
    'VARCHAR(255), on a server that is not strict',
    ['subjects/names-alike'],
    (file) =>
      new (class extends SqlStore {
        protected override subjectOf(subject: string): Uint8Array {
          return Buffer.from(Array.from(subject).slice(0, 255).join(''))
        }
      })(file),
  ),
  // r = create(k, to now + 60 s); touch(k, r, now + 30 s) = conflict, of the same revision
  statements(
    'a touch that moves nothing is a conflict',
    '`affectedRows` of MySQL, in which a row that stays as it is does not count',
    ['clock/touch-never-back'],
    {
      touch: `UPDATE sessions SET expires_at = :expiresAt
        WHERE tag = :tag AND id = :id AND expires_at > :now AND revision = :expected AND expires_at < :expiresAt`,
    },
  ),
  // two processes: replace(k, r1, r2), at once: both are answered replaced
  {
    name: 'a replace compares the revision in one statement and writes in another',
    habit: 'a synchronous driver, in whose process nothing comes in between',
    killedBy: ['races/increments-of-processes'],
    process: { module: new URL('looks-first.ts', import.meta.url).href },
    open: () => sqlHarness((file) => new LooksFirst(file)).open(),
  },
  // create 60 records to the same time; all() lists 50; or: the first page of all(), touch(one of it) = touched: listed again
  made(
    'all goes on after the expiry of the last record of a page',
    'the index that is there anyway gives the order, and the place to go on at',
    ['subjects/all'],
    (file) =>
      new (class extends SqlStore {
        override async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          for (let after = now; ;) {
            const rows = this.rows('all', { after })
            for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)]
            if (rows.length < 50) return
            after = rows.at(-1)!.expires_at
          }
        }
      })(file, { all: 'SELECT * FROM sessions WHERE expires_at > :after ORDER BY expires_at LIMIT 50' }),
  ),
  // create(k, to a time of 2040) rejects
  statements('no session ends after January 2038', "MySQL's TIMESTAMP", ['clock/long-lives'], {
    table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
      expires_at INTEGER NOT NULL CHECK (expires_at < 2147483648000), subject BLOB, payload BLOB NOT NULL,
      PRIMARY KEY (tag, id)) STRICT`,
  }),
  // create(k, the payload 1f 8b 00) = true; read(k) rejects
  made(
    'a payload that begins as gzip does is unpacked, though nobody packed it',
    'an earlier version compressed large payloads, told from others by their first bytes',
    ['round-trip/other-formats'],
    (file) => new Unpacks(file),
  ),
  // the disk is full, or another process holds the lock for too long: create(k) = false, and read(k) = undefined
  made(
    'a create that failed for whatever reason says that a record is there',
    'INSERT in a `try`, and its error for a duplicate key',
    ['faults/full-create'],
    (file) =>
      new (class extends SqlStore {
        override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
          try {
            return await super.create(key, record, now)
          } catch (error) {
            if (isSessError(error)) throw error
            return false
          }
        }
      })(file),
  ),
]
