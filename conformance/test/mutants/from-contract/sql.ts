import type { SessionKey, SessionRecord, SessionStore, Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Row, type Statements } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'

/** A broken store on SQL. @param make - Makes it on a file. */
export function made(
  name: string,
  habit: string,
  killedBy: readonly string[],
  make: (file: string) => SessionStore,
): StoreMutant {
  return { name, habit, killedBy, open: () => sqlHarness(make).open() }
}

/** The sound store on SQL with other statements. */
export const statements = (
  name: string,
  habit: string,
  killedBy: readonly string[],
  written: Partial<Statements>,
): StoreMutant => made(name, habit, killedBy, (file) => new SqlStore(file, written))

/** A time as SQL's text: beyond the year 9999 it has a sign, and sorts before all others. */
const dateTime = (ms: number): string => new Date(ms).toISOString().slice(0, 24)

/** Expiry in a column of text. */
class DateTimes extends SqlStore {
  constructor(file: string) {
    super(file, {
      table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        expires_at TEXT NOT NULL, subject BLOB, payload BLOB NOT NULL, PRIMARY KEY (tag, id)) STRICT`,
    })
  }

  protected override rows(...[name, values]: Parameters<SqlStore['rows']>): Row[] {
    return super
      .rows(name, asText(values))
      .map((row) => (typeof row.expires_at === 'string' ? { ...row, expires_at: Date.parse(row.expires_at) } : row))
  }

  protected override run(...[name, values]: Parameters<SqlStore['run']>): number {
    return super.run(name, asText(values))
  }
}

function asText<Values extends object>(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      ['now', 'expiresAt', 'until'].includes(name) ? dateTime(Number(value)) : (value as unknown),
    ]),
  ) as Values
}

/** Broken stores on SQL, each against a sentence of the contract. */
export const sql: readonly StoreMutant[] = [
  made(
    'times are text, and sort wrongly beyond the year 9999',
    'a DATETIME column, or ISO 8601',
    ['clock/long-lives'],
    (file) => new DateTimes(file),
  ),
  made(
    'a touch to a time that is not later is a conflict',
    '`WHERE expires_at < :expires`, and no row was changed',
    ['clock/touch-never-back'],
    (file) =>
      new (class extends SqlStore {
        constructor(...[path]: ConstructorParameters<typeof SqlStore>) {
          super(path, {
            touch: `UPDATE sessions SET expires_at = :expiresAt WHERE tag = :tag AND id = :id AND expires_at > :now
              AND revision = :expected AND expires_at < :expiresAt`,
          })
        }
      })(file),
  ),
  made(
    'a list is paged by OFFSET, and passes by what moves up',
    '`LIMIT 50 OFFSET n`',
    ['subjects/many'],
    (file) =>
      new (class extends SqlStore {
        override async *list({ id, tag }: Subject, now: number) {
          const page = this.database.prepare(
            'SELECT * FROM sessions WHERE tag = ? AND subject = ? AND expires_at > ? ORDER BY id LIMIT 50 OFFSET ?',
          )
          for (let offset = 0; ; offset += 50) {
            const rows = page.all(tag, this.subjectOf(id), now, offset) as unknown as Row[]
            for (const row of rows) yield [{ tag: row.tag, id: row.id }, this.recordOf(row)] as const
            if (rows.length < 50) return
          }
        }
      })(file),
  ),
  statements(
    'a list of everything gives the last record of each page twice',
    '`>=` where `>` was meant',
    ['subjects/all'],
    {
      all: `SELECT * FROM sessions WHERE expires_at > :now AND (tag, id) >= (:afterTag, :after)
      ORDER BY tag, id LIMIT 50`,
    },
  ),
  made(
    'subjects are cut at 255 bytes',
    'VARCHAR(255)',
    ['subjects/any-characters', 'subjects/names-alike'],
    (file) =>
      new (class extends SqlStore {
        protected override subjectOf(subject: string): Uint8Array {
          return super.subjectOf(subject).subarray(0, 255)
        }
      })(file),
  ),
  statements('a count leaves out who has not signed in', 'a count of users was meant', ['subjects/count'], {
    count: 'SELECT count(*) AS live FROM sessions WHERE expires_at > :now AND subject IS NOT NULL',
  }),
  made(
    'a sweep takes the `now` that it is given for the time',
    '`now` is an argument, so it is the time',
    ['clock/sweep-by-both-clocks'],
    (file) =>
      new (class extends SqlStore {
        override async *sweep(now: number) {
          for (let swept = -1; swept !== 0;) yield (swept = this.run('sweep', { until: now - GRACE_MS, now }))
        }
      })(file),
  ),
  statements(
    'a sweep leaves what ended a minute ago to the millisecond',
    '`<` where `<=` was meant',
    ['clock/sweep-takes-expired-alone'],
    {
      sweep: 'DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires_at < :until LIMIT 100)',
    },
  ),
  statements(
    'a list finds a subject under any tag',
    'the subject is unique, so it is enough',
    ['subjects/list-past-other-tags'],
    {
      list: `SELECT * FROM sessions WHERE subject = :subject AND expires_at > :now AND id > :after
      ORDER BY id LIMIT 50`,
    },
  ),
  made(
    'payloads are cut at 64 KiB',
    'a BLOB of MySQL, not in strict mode',
    ['round-trip/largest-payload'],
    (file) =>
      new (class extends SqlStore {
        override create(key: SessionKey, record: SessionRecord, now: number) {
          return super.create(key, { ...record, payload: record.payload.subarray(0, 65_535) }, now)
        }

        override replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
          return super.replace(key, expected, { ...record, payload: record.payload.subarray(0, 65_535) }, now)
        }
      })(file),
  ),
]
