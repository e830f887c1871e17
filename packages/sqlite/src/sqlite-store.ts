import {
  defineStore,
  invalid,
  PageSize,
  SessError,
  type ExpectedRecord,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import { Attempts, isBusy } from './attempt.ts'
import type { SqliteClient } from './client.ts'
import { driverOf, type Column, type Driver, type Statement } from './driver.ts'
import { openTable, PAGE, type Statements } from './table.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The name of the table: letters, digits and `_`. The store creates it if it does not exist. Default: `sess_sessions`. */
  readonly table?: string
  /** The largest payload, in bytes; at most 500,000,000. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

/** A row of the table. Integers are bigints, since a damaged row may hold an integer that no number can represent. */
interface Row {
  readonly tag: string
  readonly id: string
  readonly revision: bigint
  readonly expires_at: bigint
  readonly subject: Uint8Array | null
  readonly payload: Uint8Array
}

/** How often a write is tried that changed no row, although the read after it finds the expected revision. */
const TRIES = 5

/**
 * Makes a store in a SQLite database: the embedded default. Several processes may share one file.
 *
 * It sets `journal_mode = WAL`, `synchronous = FULL` and a short `busy_timeout` on the connection, and creates its table. If another
 * process holds the lock at this moment, the first call of the store does this instead, and waits for the lock.
 *
 * @param client - A `Database` of better-sqlite3 13 or later, a `DatabaseSync` of `node:sqlite` (Node.js 22.16 or later), or a
 *   `Database` of `bun:sqlite`. You close it.
 * @throws {SessError} `invalid_option`. An error of SQLite if the table cannot be created.
 * @see https://www.sqlite.org/wal.html
 */
export function sqliteStore(client: SqliteClient, options: SqliteStoreOptions = {}): SessionStore {
  const { table = 'sess_sessions', maxPayloadBytes = 1_048_576 } = options
  const driver = driverOf(client)
  if (!driver)
    throw invalid(
      'client',
      'must be an open database: new Database(file) of better-sqlite3 or bun:sqlite, or new DatabaseSync(file) of node:sqlite (Node.js 22.16 or later)',
    )
  if (!/^[A-Za-z_]\w{0,62}$/.test(table)) throw invalid('table', 'must be a name of letters, digits and _')
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > 500_000_000)
    throw invalid('maxPayloadBytes', 'must be a whole number from 1 to 500,000,000')
  if (!driver.isOpen()) throw invalid('client', 'is a database that is closed; open it first')
  if (driver.inTransaction()) throw invalid('client', 'is inside a transaction; call sqliteStore before it begins')
  return defineStore(new SqliteStore(driver, table, maxPayloadBytes))
}

class SqliteStore implements StoreImplementation {
  readonly name = 'sqlite'
  readonly traits: StoreImplementation['traits']
  readonly #driver: Driver
  readonly #table: string
  readonly #attempts: Attempts
  readonly #countSize = new PageSize(1000)
  readonly #deleteSize = new PageSize()
  readonly #sweepSize = new PageSize()
  #statements: Statements | undefined

  constructor(driver: Driver, table: string, maxPayloadBytes: number) {
    this.traits = { maxPayloadBytes }
    this.#driver = driver
    this.#table = table
    this.#attempts = new Attempts(driver)
    try {
      this.#statements = openTable(driver, table)
    } catch (error) {
      if (!isBusy(error)) throw error
    }
  }

  read({ tag, id }: SessionKey, now: number): Promise<SessionRecord | undefined> {
    return this.#reading(({ read }) => {
      const [row] = read.all<Row>(tag, id, now)
      return row && recordOf(row)
    })
  }

  create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject, payload } = record
    return this.#writing(({ create }) => create.run(tag, id, revision, expiresAt, blobOf(subject), payload, now) === 1)
  }

  replace(
    key: SessionKey,
    expected: ExpectedRecord,
    { revision, expiresAt, payload }: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    return this.#writing((statements) =>
      compareAndSet('replaced', statements, statements.replace, [revision, expiresAt, payload], key, expected, now),
    )
  }

  touch(
    key: SessionKey,
    expected: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    return this.#writing((statements) =>
      compareAndSet('touched', statements, statements.touch, [expiresAt], key, expected, now),
    )
  }

  delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    return this.#writing((statements) => countLive(statements.delete.all<Row>(tag, id), now) === 1)
  }

  async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    const { tag } = subject
    for (let after = ''; ;) {
      const rows = await this.#reading(({ list }) => list.all<Row>(tag, after, blobOf(subject.id), now))
      yield* rows.map(entryOf)
      if (rows.length < PAGE) return
      after = rows.at(-1)!.id
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let last = { tag: '', id: '' }; ;) {
      const rows = await this.#reading(({ all }) => all.all<Row>(last.tag, last.id, now))
      yield* rows.map(entryOf)
      if (rows.length < PAGE) return
      last = rows.at(-1)!
    }
  }

  async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : ''
    for (let after = ''; ;) {
      const { size } = this.#deleteSize
      const rows = await this.#writing(({ deleteSubject }) =>
        paced(
          this.#deleteSize,
          () => deleteSubject.all<Row>(tag, after, blobOf(id), spared, size),
          (found) => found.length,
        ),
      )
      yield countLive(rows, now)
      if (rows.length < size) return
      after = rows.reduce((last, row) => (row.id > last ? row.id : last), '')
    }
  }

  async *count(now: number): AsyncIterable<number> {
    for (let after = 0; ;) {
      const { size } = this.#countSize
      const [page] = await this.#reading(({ count }) =>
        paced(
          this.#countSize,
          () => count.all<{ seen: bigint; live: bigint; last: bigint }>(now, after, size),
          ([found]) => Number(found!.seen),
        ),
      )
      yield Number(page!.live)
      if (Number(page!.seen) < size) return
      after = Number(page!.last)
    }
  }

  async *sweep(until: number): AsyncIterable<number> {
    for (;;) {
      const { size } = this.#sweepSize
      const swept = await this.#writing(({ sweep }) =>
        paced(
          this.#sweepSize,
          () => sweep.run(until, size),
          (changes) => changes,
        ),
      )
      yield swept
      if (swept < size) return
    }
  }

  /** Does nothing: the store has opened nothing, and the caller closes the database. */
  close(): void {}

  #reading<T>(run: (statements: Statements) => T): Promise<T> {
    return this.#attempts.read(() => run(this.#opened()))
  }

  #writing<T>(run: (statements: Statements) => T): Promise<T> {
    return this.#attempts.write(() => run(this.#opened()))
  }

  #opened(): Statements {
    return (this.#statements ??= openTable(this.#driver, this.#table))
  }
}

/**
 * Runs a conditional statement. If it changed no row, a read finds out why. If the read finds the expected revision, because the
 * record has changed in between, the statement is tried again.
 */
function compareAndSet<Done extends string>(
  done: Done,
  { read }: Statements,
  statement: Statement,
  values: readonly Column[],
  { tag, id }: SessionKey,
  { revision }: ExpectedRecord,
  now: number,
): Done | 'conflict' | 'missing' {
  for (let tries = 0; tries < TRIES; tries++) {
    if (statement.run(...values, tag, id, now, revision) === 1) return done
    const [row] = read.all<Row>(tag, id, now)
    if (!row) return 'missing'
    if (row.revision !== BigInt(revision)) return 'conflict'
  }
  throw new SessError('store_unavailable', `a session changed and changed back ${TRIES} times meanwhile; try again`)
}

/** Runs a page, and adapts the size of the next page to the time that it took. */
function paced<T>(pages: PageSize, run: () => T, records: (page: T) => number): T {
  const began = performance.now()
  const page = run()
  pages.took(performance.now() - began, records(page))
  return page
}

function entryOf(row: Row): readonly [SessionKey, SessionRecord] {
  return [{ tag: row.tag, id: row.id }, recordOf(row)]
}

function recordOf({ revision, expires_at: expiresAt, subject, payload }: Row): SessionRecord {
  return {
    revision: Number(revision),
    expiresAt: Number(expiresAt),
    payload,
    ...(subject && { subject: Buffer.from(subject).toString() }),
  }
}

/** Subjects are stored as bytes, because some functions of SQL end a text at a NUL. */
function blobOf(subject: string | undefined): Buffer | null {
  return subject === undefined ? null : Buffer.from(subject)
}

function countLive(rows: readonly Row[], now: number): number {
  return rows.filter((row) => row.expires_at > now).length
}
