import { SessError, type SessionKey, type SessionRecord, type SessionStore, type Subject } from '@sess/core'
import { GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { sqlHarness } from '../sql/sql-harness.ts'
import { SqlStore, type Row, type Statements } from '../sql/sql-store.ts'
import { changed, tick, type Change, type StoreMutant } from './mutant.ts'

/** A store on SQL with another statement in the place of a sound one. */
function statements(
  name: string,
  habit: string,
  killedBy: readonly string[],
  written: Partial<Statements>,
): StoreMutant {
  return made(name, habit, killedBy, (file) => new SqlStore(file, written))
}

/** A store on SQL with other code around its statements. */
function methods(name: string, habit: string, killedBy: readonly string[], change: Change): StoreMutant {
  return made(name, habit, killedBy, (file) => changed(new SqlStore(file), change))
}

function made(
  name: string,
  habit: string,
  killedBy: readonly string[],
  make: (file: string) => SessionStore,
): StoreMutant {
  return { name, habit, killedBy, open: () => sqlHarness(make).open() }
}

const COLUMNS = '(tag, id, revision, expires_at, subject, payload)'
const VALUES = '(:tag, :id, :revision, :expiresAt, :subject, :payload)'
const UPSERT = `INSERT INTO sessions AS old ${COLUMNS} VALUES ${VALUES} ON CONFLICT (tag, id) DO UPDATE SET`
const LIVE = 'tag = :tag AND id = :id AND expires_at > :now'

/** It looks first, and writes in a statement of its own. */
class LooksFirst extends SqlStore {
  override async replace(
    key: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const there = await this.read(key, now)
    if (there?.revision !== expected.revision) return there ? 'conflict' : 'missing'
    await tick()
    const { revision, expiresAt, payload } = record
    this.run('replace', { ...key, revision, expiresAt, payload, now, expected: revision })
    return 'replaced'
  }
}

/** It sweeps in two statements. */
class SweepsInTwo extends SqlStore {
  override async *sweep(now: number): AsyncIterable<number> {
    const until = Math.min(now, Date.now()) - GRACE_MS
    const ended = this.database.prepare('SELECT rowid FROM sessions WHERE expires_at <= ?').all(until)
    await tick()
    const remove = this.database.prepare('DELETE FROM sessions WHERE rowid = ?')
    for (const { rowid } of ended) yield Number(remove.run(rowid!).changes)
  }
}

/** Its subjects are written as somebody takes names to be. */
class Renames extends SqlStore {
  readonly #rename: (subject: string) => string

  constructor(file: string, rename: (subject: string) => string) {
    super(file)
    this.#rename = rename
  }

  protected override subjectOf(subject: string): Uint8Array {
    return Buffer.from(this.#rename(subject))
  }
}

/** Its lists hold a transaction open, for a picture that does not move. */
class ListsInTransaction extends SqlStore {
  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      yield* super.list(subject, now)
    } finally {
      this.database.exec('COMMIT')
    }
  }
}

/** Its lists stream from one prepared statement. */
class ListsByOneCursor extends SqlStore {
  readonly #cursor = this.database.prepare(
    'SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now',
  )

  override async *list({ id, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (const row of this.#cursor.iterate({ tag, subject: this.subjectOf(id), now }))
      yield [{ tag, id: String(row['id']) }, this.recordOf(row as unknown as Row)]
  }
}

/** Its lists go by their place, not by what came last. */
class ListsByOffset extends SqlStore {
  override async *list({ id, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let after = 0; ; after += 50) {
      const rows = this.rows('list', { tag, subject: this.subjectOf(id), now, after })
      for (const row of rows) yield [{ tag, id: row.id }, this.recordOf(row)]
      if (rows.length < 50) return
    }
  }
}

/** It takes the first row of what RETURNING gives, and does not see the commit fail behind it. */
class TakesFirstRow extends SqlStore {
  override async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    const row = this.database
      .prepare('DELETE FROM sessions WHERE tag = ? AND id = ? RETURNING expires_at')
      .get(tag, id) as Row | undefined
    return row !== undefined && row.expires_at > now
  }
}

/** Stores on SQL, with mistakes that are made there. */
export const sql: readonly StoreMutant[] = [
  statements(
    'a create replaces what is live',
    '`REPLACE INTO`, the upsert that comes to mind first',
    ['identity/create-is-exclusive'],
    { create: `REPLACE INTO sessions ${COLUMNS} VALUES ${VALUES}` },
  ),
  statements('a create finds an expired record in its way', '`INSERT OR IGNORE`', ['clock/create-over-expired'], {
    create: `INSERT OR IGNORE INTO sessions ${COLUMNS} VALUES ${VALUES}`,
  }),
  statements(
    'a create leaves the subject of an expired record',
    'the list of columns of the UPDATE, copied from the statement for a replace',
    ['subjects/create-over-of-another', 'clock/create-over-expired'],
    {
      create: `${UPSERT} revision = excluded.revision, expires_at = excluded.expires_at, payload = excluded.payload
        WHERE old.expires_at <= :now`,
    },
  ),
  statements(
    'a create keeps a subject where the new record has none',
    '`coalesce(excluded.subject, old.subject)`: never overwrite with NULL',
    ['subjects/create-over-of-another'],
    {
      create: `${UPSERT} revision = excluded.revision, expires_at = excluded.expires_at, payload = excluded.payload,
        subject = coalesce(excluded.subject, old.subject) WHERE old.expires_at <= :now`,
    },
  ),
  statements('a record is readable at its last instant', '`>=` for “until”', ['clock/readable-to-the-end'], {
    read: 'SELECT * FROM sessions WHERE tag = :tag AND id = :id AND expires_at >= :now',
  }),
  statements(
    'keys in another case are the same',
    'a database whose default collation ignores case, as MySQL’s does',
    ['identity/case-matters'],
    {
      table: `CREATE TABLE IF NOT EXISTS sessions (tag TEXT NOT NULL COLLATE NOCASE, id TEXT NOT NULL COLLATE NOCASE,
        revision INTEGER NOT NULL, expires_at INTEGER NOT NULL, subject BLOB, payload BLOB NOT NULL,
        PRIMARY KEY (tag, id)) STRICT`,
    },
  ),
  statements(
    'a replace does not look at the revision',
    'the key is in the WHERE, and that seems enough',
    ['races/stale-replace', 'races/increments'],
    { replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload WHERE ${LIVE}` },
  ),
  statements(
    'a replace does not look at the expiry',
    'expired rows are the sweep’s to see to',
    ['clock/expired-is-missing'],
    {
      replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
        WHERE tag = :tag AND id = :id AND revision = :expected`,
    },
  ),
  statements(
    'a replace never shortens',
    '`max()` in every statement that writes the expiry',
    ['clock/replace-shortens'],
    {
      replace: `UPDATE sessions SET revision = :revision, expires_at = max(expires_at, :expiresAt), payload = :payload
        WHERE ${LIVE} AND revision = :expected`,
    },
  ),
  statements(
    'a replace takes a revision that is lower for the same',
    '`revision <= :expected`, so that an older reader may still write',
    ['races/stale-replace'],
    {
      replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
        WHERE ${LIVE} AND revision >= :expected`,
    },
  ),
  made(
    'a replace looks, and writes later',
    'SELECT, then UPDATE, and no transaction',
    ['races/history-of-clients'],
    (file) =>
      new LooksFirst(file, {
        replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload WHERE ${LIVE}`,
      }),
  ),
  statements('a touch may shorten', 'a touch sets the expiry, so SET it is', ['clock/touch-never-back'], {
    touch: `UPDATE sessions SET expires_at = :expiresAt WHERE ${LIVE} AND revision = :expected`,
  }),
  statements(
    'a touch to an earlier time is a conflict',
    '`AND expires_at < :expiresAt`, to spare a write',
    ['clock/touch-never-back'],
    {
      touch: `UPDATE sessions SET expires_at = :expiresAt
        WHERE ${LIVE} AND revision = :expected AND expires_at < :expiresAt`,
    },
  ),
  statements(
    'a touch makes a new revision',
    'a version column that each UPDATE counts up, as object mappers do',
    ['races/touch-is-no-conflict', 'round-trip/touch'],
    {
      touch: `UPDATE sessions SET expires_at = max(expires_at, :expiresAt), revision = revision + 1
        WHERE ${LIVE} AND revision = :expected`,
    },
  ),
  statements(
    'a touch does not look at the revision',
    'a touch “cannot conflict”',
    ['round-trip/touch-conflict', 'races/stale-replace'],
    { touch: `UPDATE sessions SET expires_at = max(expires_at, :expiresAt) WHERE ${LIVE}` },
  ),
  methods(
    'a delete counts what had expired',
    'the number of rows is the answer',
    ['clock/expired-is-missing'],
    (it) => ({ delete: (key) => it.delete(key, 0) }),
  ),
  statements(
    'a list has only its first page',
    '`LIMIT 50` as a protection, and nobody has more',
    ['subjects/slow-list', 'subjects/list-under-writes'],
    {
      list: `SELECT * FROM (SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now
        ORDER BY id LIMIT 50) WHERE id > :after`,
    },
  ),
  made(
    'a list loses its place when records go',
    '`OFFSET`, as in every tutorial on pages',
    ['subjects/many', 'subjects/list-under-writes'],
    (file) =>
      new ListsByOffset(file, {
        list: `SELECT * FROM sessions WHERE tag = :tag AND subject = :subject AND expires_at > :now
        ORDER BY id LIMIT 50 OFFSET :after`,
      }),
  ),
  statements('a list takes a name for a pattern', '`LIKE`, for text', ['subjects/any-characters'], {
    list: `SELECT * FROM sessions WHERE tag = :tag AND CAST(subject AS TEXT) LIKE CAST(:subject AS TEXT)
        AND expires_at > :now AND id > :after ORDER BY id LIMIT 50`,
  }),
  statements(
    'names are compared by their first 191 characters',
    'a prefix index, as MySQL asks for with utf8mb4',
    ['subjects/names-alike'],
    {
      list: `SELECT * FROM sessions WHERE tag = :tag AND substr(subject, 1, 191) = substr(:subject, 1, 191)
        AND expires_at > :now AND id > :after ORDER BY id LIMIT 50`,
      deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND substr(subject, 1, 191) = substr(:subject, 1, 191)
        AND id <> :except RETURNING expires_at`,
    },
  ),
  made(
    'a long name is cut',
    '`VARCHAR(255)`, and a database that cuts without a word',
    ['subjects/names-alike', 'subjects/any-characters'],
    (file) => new Renames(file, (subject) => subject.slice(0, 255)),
  ),
  made(
    'names are normalized',
    '`normalize()`, so that é is é',
    ['subjects/any-characters'],
    (file) => new Renames(file, (subject) => subject.normalize()),
  ),
  made(
    'names are trimmed and in lower case',
    'user names are e-mail addresses',
    ['subjects/any-characters'],
    (file) => new Renames(file, (subject) => subject.trim().toLowerCase() || ' '),
  ),
  made(
    'a name ends at NUL',
    'a driver or a function that takes text for a C string',
    ['subjects/any-characters'],
    (file) => new Renames(file, (subject) => subject.split('\0')[0]!),
  ),
  made(
    'a list holds a transaction open',
    'a consistent picture for the reader',
    ['subjects/slow-list', 'subjects/two-lists'],
    (file) => new ListsInTransaction(file),
  ),
  made(
    'two lists share a cursor',
    'streaming from a statement that is prepared once',
    ['subjects/two-lists'],
    (file) => new ListsByOneCursor(file),
  ),
  statements(
    'a revocation takes all under the tag',
    'the tag is made from the subject, so it seems to be one',
    ['subjects/one-tag-two-subjects', 'subjects/one-tag-many-subjects'],
    { deleteSubject: 'DELETE FROM sessions WHERE tag = :tag AND id <> :except RETURNING expires_at' },
  ),
  made(
    'a revocation that spares none takes none',
    '`id <> NULL` is never true',
    ['subjects/one-tag-two-subjects', 'subjects/revoked-with-expired'],
    (file) =>
      new SqlStore(file, {
        deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND subject = :subject AND id <> nullif(:except, '')
        RETURNING expires_at`,
      }),
  ),
  statements(
    'a revocation spares nobody',
    'an argument that came later, and that SQL does not miss',
    ['subjects/revoke-except', 'subjects/one-tag-many-subjects'],
    { deleteSubject: 'DELETE FROM sessions WHERE tag = :tag AND subject = :subject RETURNING expires_at' },
  ),
  methods(
    'a revocation counts what had expired',
    'the number of rows is the answer',
    ['clock/expired-not-revoked', 'subjects/revoked-with-expired'],
    (it) => ({ deleteSubject: (subject, _, except) => it.deleteSubject!(subject, 0, except) }),
  ),
  statements('a count has the expired', '`count(*)`', ['clock/expired-not-counted', 'subjects/counted-and-all'], {
    count: 'SELECT count(*) AS live FROM sessions',
  }),
  statements(
    'a list of all has the expired',
    'the condition of one list is forgotten in the other',
    ['subjects/all', 'subjects/counted-and-all'],
    { all: 'SELECT * FROM sessions WHERE (tag, id) > (:afterTag, :after) ORDER BY tag, id LIMIT 50' },
  ),
  statements(
    'a list of all goes by the tag alone',
    'pages after the last tag, as though a tag had one session',
    ['subjects/slow-list-of-all'],
    { all: `SELECT * FROM sessions WHERE expires_at > :now AND tag > :afterTag ORDER BY tag LIMIT 50` },
  ),
  methods(
    'a sweep gives no grace',
    '`expires_at <= now` is what expired means',
    ['clock/sweep-takes-expired-alone'],
    (it) => ({ sweep: (now) => it.sweep!(Math.min(now + GRACE_MS, Date.now())) }),
  ),
  methods(
    'a sweep removes one batch',
    'a bounded statement, and the loop forgotten',
    ['scale/sweep-in-batches'],
    (it) => ({
      async *sweep(now) {
        for await (const swept of it.sweep!(now)) {
          yield swept
          return
        }
      },
    }),
  ),
  made(
    'a sweep removes what it found before',
    'SELECT the expired, then DELETE by their row',
    ['races/sweep-meets-touch', 'races/sweep-meets-replace', 'races/sweep-meets-create'],
    (file) => new SweepsInTwo(file),
  ),
  statements(
    'an empty payload is not written',
    'a row without data is no session, so it is not made',
    ['round-trip/empty-payload'],
    {
      create: `INSERT INTO sessions AS old ${COLUMNS} SELECT :tag, :id, :revision, :expiresAt, :subject, :payload
        WHERE length(:payload) > 0 ON CONFLICT (tag, id) DO UPDATE SET revision = excluded.revision,
        expires_at = excluded.expires_at, subject = excluded.subject, payload = excluded.payload
        WHERE old.expires_at <= :now`,
    },
  ),
  statements('times are whole seconds, rounded up', '`TIMESTAMP(0)`', ['clock/rounding', 'clock/readable-to-the-end'], {
    read: 'SELECT * FROM sessions WHERE tag = :tag AND id = :id AND (expires_at + 999) / 1000 * 1000 > :now',
  }),
  statements('revisions are 32 bits wide', '`INT`', ['round-trip/large-revision'], {
    create: `${UPSERT} revision = excluded.revision & 2147483647, expires_at = excluded.expires_at,
        subject = excluded.subject, payload = excluded.payload WHERE old.expires_at <= :now`,
    replace: `UPDATE sessions SET revision = :revision & 2147483647, expires_at = :expiresAt, payload = :payload
        WHERE ${LIVE} AND revision = :expected`,
  }),
  statements('times end in the year 2106', 'seconds since the epoch in an unsigned INT', ['clock/long-lives'], {
    read: `SELECT tag, id, revision, min(expires_at, 4294967295000) AS expires_at, subject, payload FROM sessions
        WHERE tag = :tag AND id = :id AND min(expires_at, 4294967295000) > :now`,
  }),
  methods(
    'payloads are text',
    '`toString()` for a TEXT column: sessions are JSON, are they not',
    ['round-trip/every-byte'],
    (it) => ({
      create: (key, record, now) =>
        it.create(key, { ...record, payload: Buffer.from(Buffer.from(record.payload).toString()) }, now),
    }),
  ),
  methods(
    'an error of SQL is a missing record',
    '`try { … } catch { return undefined }` around a query that “cannot fail”',
    ['life-cycle/use-after-close'],
    (it) => ({ read: (...values) => it.read(...values).catch(() => undefined) }),
  ),
  made(
    'a delete is acknowledged before its commit',
    '`.get()` on a statement with RETURNING: one row is all there is',
    ['faults/full-delete'],
    (file) => new TakesFirstRow(file),
  ),
  methods(
    'writes are acknowledged when they are made, and written later',
    'write-behind, whose errors are logged',
    ['faults/full-replace', 'faults/full-touch', 'faults/full-delete'],
    (it) => ({
      replace: (...values) => it.replace(...values).catch(() => 'replaced' as const),
      touch: (...values) => it.touch(...values).catch(() => 'touched' as const),
      delete: (...values) => it.delete(...values).catch(() => true),
    }),
  ),
  methods(
    'a revocation that fails is over',
    'a revocation reports to a page for administrators, which shows a number',
    ['faults/full-revocation'],
    (it) => ({
      async *deleteSubject(...values) {
        try {
          yield* it.deleteSubject!(...values)
        } catch {
          yield 1
        }
      },
    }),
  ),
  methods('a second close throws', 'the driver’s close, passed on', ['life-cycle/close'], (it) => {
    let isClosed = false
    return {
      close: async () => {
        if (isClosed) throw new SessError('store_unavailable', 'the database is not open')
        isClosed = true
        await it.close!()
      },
    }
  }),
]
