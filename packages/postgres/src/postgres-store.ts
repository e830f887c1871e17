import {
  checkOptions,
  defineStore,
  invalid,
  PageSize,
  SessError,
  type ExpectedRecord,
  type OptionNames,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreImplementation,
  type Subject,
} from '@sess/core/adapter'
import type { PostgresClient, PostgresPool } from './client.ts'
import { Database, type Answer, type Row } from './database.ts'
import { minuteOf, recordOf } from './row.ts'
import { LONGEST_TOGETHER, statementsOf, type Statements } from './statements.ts'
import { tableOf, type TableOptions } from './table.ts'
import { readsTogether, replacementsTogether, type Replacement } from './together.ts'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends TableOptions {
  /** Separates applications that share a table: give each application its own prefix. Up to 64 printable ASCII characters. Default: none. */
  readonly prefix?: string
  /**
   * True: each connection prepares a statement once, under a name, and PostgreSQL plans it once.
   * It does not work behind PgBouncer in transaction mode before PgBouncer 1.21. Default: false.
   */
  readonly prepare?: boolean
  /** The largest payload, in bytes; at most 500,000,000. Default: 1 MiB. */
  readonly maxPayloadBytes?: number
}

/** How many records one page of a list has. */
const PAGE = 100

/** How many times a write is tried at most, if each time the read after it finds the expected revision. */
const TRIES = 5

/**
 * Makes a store in PostgreSQL. Call `migrate` of this package once before.
 *
 * @param client - A Pool of pg, which you make and end; or a Client. A Client must not be within a transaction when sessions are
 *   used, and pg does not connect it again after its connection is lost.
 * @throws {SessError} `invalid_option` for a value that is neither, and for wrong options.
 */
export function postgresStore(client: PostgresPool | PostgresClient, options: PostgresStoreOptions = {}): SessionStore {
  checkOptions(options, 'postgresStore()', OPTIONS, HINTS)
  const { prefix = '', prepare = false, maxPayloadBytes = 1_048_576 } = options
  if (typeof prefix !== 'string' || !/^[ -~]{0,64}$/.test(prefix))
    throw invalid('prefix', 'must be text of printable ASCII characters, 64 at most')
  if (typeof prepare !== 'boolean') throw invalid('prepare', 'must be true or false')
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1 || maxPayloadBytes > 500_000_000)
    throw invalid('maxPayloadBytes', 'must be a whole number from 1 to 500,000,000')
  const statements = statementsOf(tableOf(options).name)
  return defineStore(new PostgresStore(new Database(client, prepare), statements, prefix, { maxPayloadBytes }))
}
const OPTIONS: OptionNames<PostgresStoreOptions> = {
  table: true,
  schema: true,
  prefix: true,
  prepare: true,
  maxPayloadBytes: true,
}
const HINTS = {
  tableName: 'the option is called table',
  schemaName: 'the option is called schema',
  pruneSessionInterval: 'set sweepEvery in createSessions()',
  createTableIfMissing: 'call migrate() of @sess/postgres when the application starts',
  pool: 'the pool is the first argument',
  conString: 'the first argument is a Pool, as from new Pool({ connectionString })',
  unlogged: 'give it to migrate()',
}

class PostgresStore implements StoreImplementation {
  readonly name = 'postgres'
  readonly traits: StoreImplementation['traits']
  readonly #database: Database
  readonly #statements: Statements
  readonly #prefix: string
  readonly #read: (key: SessionKey) => Promise<SessionRecord | null>
  readonly #replace: (item: Replacement) => Promise<boolean>
  readonly #sizes = { delete: new PageSize(), count: new PageSize(), sweep: new PageSize() }

  constructor(database: Database, statements: Statements, prefix: string, traits: StoreImplementation['traits']) {
    this.#database = database
    this.#statements = statements
    this.#prefix = prefix
    this.traits = traits
    this.#read = readsTogether(database, statements, prefix, (key) => this.#readAlone(key))
    this.#replace = replacementsTogether(database, statements, prefix, (item) => this.#replaceAlone(item))
  }

  async read(key: SessionKey): Promise<SessionRecord | undefined> {
    return (await this.#read(key)) ?? undefined
  }

  async #readAlone({ tag, id }: SessionKey): Promise<SessionRecord | null> {
    const [row] = await this.#database.read(this.#statements.read, [this.#prefix, tag, id])
    return row ? recordOf(row) : null
  }

  async create({ tag, id }: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    const { revision, expiresAt, subject, payload } = record
    const values = [this.#prefix, tag, id, revision, expiresAt, minuteOf(expiresAt), bytesOf(subject), payload, now]
    return (await this.#database.write(this.#statements.create, values)).count === 1
  }

  replace(
    key: SessionKey,
    expected: ExpectedRecord,
    next: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    const item: Replacement = { key, revision: expected.revision, next, now }
    return this.#compareAndSet('replaced', item, (isFirst) =>
      isFirst && next.payload.length <= LONGEST_TOGETHER ? this.#replace(item) : this.#replaceAlone(item),
    )
  }

  #replaceAlone({ key, revision, next, now }: Replacement): Promise<boolean> {
    const { revision: nextRevision, expiresAt, payload } = next
    const values = [nextRevision, expiresAt, minuteOf(expiresAt), payload]
    return this.#update(this.#statements.replace, [key.tag, key.id, now, revision, ...values])
  }

  touch(
    key: SessionKey,
    { revision }: ExpectedRecord,
    expiresAt: number,
    now: number,
  ): Promise<'touched' | 'conflict' | 'missing'> {
    const values = [key.tag, key.id, now, revision, expiresAt, minuteOf(expiresAt)]
    return this.#compareAndSet('touched', { key, revision, now }, () => this.#update(this.#statements.touch, values))
  }

  async #update(sql: string, values: readonly unknown[]): Promise<boolean> {
    return (await this.#database.write(sql, [this.#prefix, ...values])).count > 0
  }

  async delete({ tag, id }: SessionKey, now: number): Promise<boolean> {
    const { rows } = await this.#database.write(this.#statements.delete, [this.#prefix, tag, id, now])
    return rows[0]?.['live'] === 'true'
  }

  async *list({ id: subject, tag }: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let after = ''; ;) {
      const values = [this.#prefix, tag, after, bytesOf(subject), now, PAGE]
      const rows = await this.#database.read(this.#statements.list, values)
      for (const row of rows) yield [{ tag, id: (after = row['id']!) }, recordOf(row)]
      if (rows.length < PAGE) return
    }
  }

  async *all(now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for (let last: SessionKey = { tag: '', id: '' }; ;) {
      const rows = await this.#database.read(this.#statements.all, [this.#prefix, last.tag, last.id, now, PAGE])
      for (const row of rows) yield [(last = keyOf(row)), recordOf(row)]
      if (rows.length < PAGE) return
    }
  }

  async *deleteSubject({ id: subject, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : null
    for (let after = ''; ;) {
      const { rows } = await this.#page(this.#sizes.delete, (size) => {
        const values = [this.#prefix, tag, after, bytesOf(subject), spared, size, now]
        return this.#database.write(this.#statements.deleteSubject, values)
      })
      const { last = null, done } = rows[0]!
      if (last === null) return
      yield Number(done)
      after = last
    }
  }

  async *count(now: number): AsyncIterable<number> {
    for (let last: SessionKey = { tag: '', id: '' }; ;) {
      const { tag, id } = last
      const [row] = await this.#page(this.#sizes.count, (size) =>
        this.#database.read(this.#statements.count, [this.#prefix, tag, id, size, now]),
      )
      if (!row) return
      yield Number(row['live'])
      last = keyOf(row)
    }
  }

  async clock(): Promise<number> {
    const [row] = await this.#database.read(this.#statements.clock, [])
    return Number(row!['now'])
  }

  async *sweep(until: number): AsyncIterable<number> {
    for (;;) {
      const { count } = await this.#page(this.#sizes.sweep, (size) =>
        this.#database.write(this.#statements.sweep, [this.#prefix, minuteOf(until), until, size]),
      )
      if (!count) return
      yield count
    }
  }

  /** Asks for a page, and adapts the size of the next page to the time that this page took. */
  async #page<T extends Answer | readonly Row[]>(pages: PageSize, ask: (size: number) => Promise<T>): Promise<T> {
    const { size } = pages
    const began = performance.now()
    const result = await ask(size)
    pages.took(performance.now() - began, size)
    return result
  }

  /** Runs an update. If it matched no row, a read afterwards decides between a missing record and a conflict. */
  async #compareAndSet<Done>(
    done: Done,
    { key, revision, now }: Omit<Replacement, 'next'>,
    update: (isFirst: boolean) => Promise<boolean>,
  ): Promise<Done | 'conflict' | 'missing'> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await update(attempt === 0)) return done
      const found = await this.#readAlone(key)
      if (!found || found.expiresAt <= now) return 'missing'
      if (found.revision !== revision) return 'conflict'
    }
    throw new SessError('store_unavailable', `a record came back under its key ${TRIES} times while it was written`)
  }
}

const keyOf = (row: Row): SessionKey => ({ tag: row['tag']!, id: row['id']! })

const bytesOf = (subject: string | undefined): Buffer | null => (subject === undefined ? null : Buffer.from(subject))
