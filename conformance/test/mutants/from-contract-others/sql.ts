import { readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { SQLInputValue } from 'node:sqlite'
import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import { harness, sqlHarness } from '../../sql/sql-harness.ts'
import { SqlStore, type Row, type Statements } from '../../sql/sql-store.ts'
import type { StoreMutant } from '../mutant.ts'

type Create = Parameters<SqlStore['create']>
type Replace = Parameters<SqlStore['replace']>
type Touch = Parameters<SqlStore['touch']>

/** Such a store on SQL, with other statements in the place of some. */
const opened = (
  Store: new (file: string, statements: Partial<Statements>) => SqlStore,
  statements: Partial<Statements> = {},
): StoreMutant['open'] => {
  const own = sqlHarness((file) => new Store(file, statements))
  return () => own.open()
}

class SweepsOnce extends SqlStore {
  #isSweeping = false

  override async *sweep(now: number): AsyncIterable<number> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    yield* super.sweep(now)
    this.#isSweeping = false
  }
}

const locks = new Map<string, Promise<unknown>>()

/** Runs the writes of a key one after the other, of all stores of this process. */
function locked<T>({ tag, id }: SessionKey, run: () => Promise<T>): Promise<T> {
  const before = locks.get(tag + id) ?? Promise.resolve()
  const mine = before.catch(() => {}).then(run)
  const last = mine.catch(() => {})
  locks.set(tag + id, last)
  void last.then(() => locks.get(tag + id) === last && locks.delete(tag + id))
  return mine
}

class LocksItsProcess extends SqlStore {
  override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
    await setImmediate() // each statement has a turn of its own, as with every driver that does not block
    return super.read(key, now)
  }

  override create(...values: Create) {
    return locked(values[0], () => super.create(...values))
  }

  override replace(...[key, expected, record, now]: Replace): ReturnType<SqlStore['replace']> {
    return locked(key, async () => {
      this.fits(record)
      const there = await this.read(key, now)
      if (there?.revision !== expected.revision) return there ? 'conflict' : 'missing'
      await setImmediate()
      const { revision, expiresAt, payload } = record
      return this.run('replace', { ...key, now, revision, expiresAt, payload }) ? 'replaced' : 'missing'
    })
  }

  override touch(...values: Touch) {
    return locked(values[0], () => super.touch(...values))
  }

  override delete(key: SessionKey, now: number): Promise<boolean> {
    return locked(key, () => super.delete(key, now))
  }
}

class ChecksWithin extends SqlStore {
  override create(...values: Create) {
    return this.#saved(values[1], () => super.create(...values))
  }

  override replace(...values: Replace) {
    return this.#saved(values[2], () => super.replace(...values))
  }

  async #saved<T>(record: SessionRecord, run: () => Promise<T>): Promise<T> {
    this.statement('read')
    if (!this.database.isTransaction) this.database.exec('BEGIN IMMEDIATE')
    this.fits(record)
    const done = run()
    done.catch(() => {})
    try {
      if (this.database.isTransaction) this.database.exec('COMMIT')
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
      throw error
    }
    return done
  }
}

class Numbers extends SqlStore {
  readonly #numbers = new Map<string, number>()

  constructor(file: string) {
    super(file)
    this.database
      .exec(`CREATE TABLE IF NOT EXISTS subjects (number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE) STRICT;
      CREATE INDEX IF NOT EXISTS sessions_subject ON sessions (subject)`)
  }

  override async *sweep(now: number): AsyncIterable<number> {
    yield* super.sweep(now)
    this.database.exec(`DELETE FROM subjects WHERE NOT EXISTS
      (SELECT 1 FROM sessions WHERE subject = CAST(CAST(number AS TEXT) AS BLOB))`)
    this.#numbers.clear()
  }

  protected override subjectOf(subject: string): Uint8Array {
    this.statement('read')
    let number = this.#numbers.get(subject)
    if (number === undefined) {
      const name = Buffer.from(subject)
      this.database.prepare('INSERT OR IGNORE INTO subjects (name) VALUES (?)').run(name)
      number = this.database.prepare('SELECT number FROM subjects WHERE name = ?').get(name)!['number'] as number
      this.#numbers.set(subject, number)
    }
    return Buffer.from(String(number))
  }

  protected override recordOf(row: Row): SessionRecord {
    if (row.subject === null) return super.recordOf(row)
    const number = Number(Buffer.from(row.subject).toString())
    const found = this.database.prepare('SELECT name AS subject FROM subjects WHERE number = ?').get(number)
    return super.recordOf({ ...row, subject: (found?.['subject'] as Uint8Array | undefined) ?? null })
  }
}

class CleansUp extends SqlStore {
  constructor(file: string) {
    super(file)
    this.database.prepare('DELETE FROM sessions WHERE expires_at <= ?').run(Date.now())
  }
}

class KeepsBindings extends SqlStore {
  #bound: Readonly<Record<string, SQLInputValue>> = { except: '' }

  override async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? { except: except.id } : {}
    this.#bound = { ...this.#bound, tag, subject: this.subjectOf(id), ...spared }
    yield this.rows('deleteSubject', this.#bound).filter((row) => row.expires_at > now).length
  }
}

class ClearsExpired extends SqlStore {
  override async *deleteSubject({ id, tag }: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    const spared = except?.tag === tag ? except.id : ''
    const rows = this.rows('deleteSubject', { tag, subject: this.subjectOf(id), except: spared, now })
    yield rows.filter((row) => row.expires_at > now).length
  }
}

const IN_A_FILE = Buffer.from('\0in a file\0')

class Files extends SqlStore {
  readonly #file: string

  constructor(file: string) {
    super(file)
    this.#file = file
  }

  override async create(key: SessionKey, record: SessionRecord, now: number) {
    return super.create(key, this.#outside(key, record), now)
  }

  override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
    return super.replace(key, expected, this.#outside(key, record), now)
  }

  protected override recordOf(row: Row): SessionRecord {
    const inFile = Buffer.compare(row.payload, IN_A_FILE) === 0
    return super.recordOf(inFile ? { ...row, payload: new Uint8Array(readFileSync(this.#place(row))) } : row)
  }

  /** The bytes are there before the row that needs them. */
  #outside(key: SessionKey, record: SessionRecord): SessionRecord {
    this.fits(record)
    if (record.payload.length < 100_000) return record
    this.statement('read')
    writeFileSync(this.#place(key), record.payload)
    return { ...record, payload: IN_A_FILE }
  }

  #place({ tag, id }: SessionKey): string {
    return `${this.#file}-${tag}${id}`
  }
}

export const sql: readonly StoreMutant[] = [
  // 150 records that ended 10 minutes ago; the first page of sweep = 100, and no more is asked for; sweep = nothing
  {
    name: 'after an iteration of sweep that was not taken to its end, the store never sweeps again',
    habit: 'keeps two sweeps apart by a flag, which is lowered behind the loop and not in a finally',
    killedBy: ['subjects/pages-left-early'],
    open: opened(SweepsOnce),
  },
  // a.replace(k, r1 to r2 "a") reads; b, in another process, replace(k, r1 to r2 "b") = replaced; that of a = replaced
  {
    name: 'a replace reads and then writes under a lock of its process',
    habit: 'makes two statements one by a mutex for each key, which passes each test that runs in one process',
    killedBy: ['races/increments-of-processes'],
    process: harness.process!,
    open: opened(LocksItsProcess, {
      replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
        WHERE tag = :tag AND id = :id AND expires_at > :now`,
    }),
  },
  // a.create(k1, too large) rejects with too_large; b.create(k2) rejects, for the database is locked
  {
    name: 'a payload that is too large leaves a transaction open, and no other client can write',
    habit: 'checks the record after BEGIN, and rolls back for errors of the database alone',
    killedBy: ['round-trip/too-large'],
    open: opened(ChecksWithin),
  },
  // a.create(k1 of ann, ended); b.sweep = 1, b.create(k2 of bob); a.create(k3 of ann) = true; read(k3) = of bob
  {
    name: 'a sign-in after a sweep by another client may be stored as another subject',
    habit:
      'keeps subjects in a table, and their numbers in memory; what no session has is cleared away, and its number given anew',
    killedBy: ['subjects/names-after-the-last'],
    open: opened(Numbers),
  },
  // create(k, to 5 s ago, now 30 s ago) = true; another client connects; read(k, now 30 s ago) = undefined
  {
    name: 'a client that connects removes what has ended by its own clock',
    habit: 'cleans up once when it starts, without the minute that a sweep leaves',
    killedBy: ['clock/sweep-by-both-clocks'],
    open: opened(CleansUp),
  },
  // deleteSubject(ann, except k) = …; deleteSubject(ann) = 0, and read(k) = the record
  {
    name: 'a revocation that spares nobody spares whom the one before it has spared',
    habit: 'binds a parameter only where it is given, and SQLite keeps the bindings of a statement',
    killedBy: ['subjects/revoke-except'],
    open: opened(KeepsBindings),
  },
  // create(k of ann, to +60 s); deleteSubject(ann, now +120 s, except k); read(k, now) = undefined
  {
    name: 'a revocation by a clock ahead deletes the record that it is to spare',
    habit: 'clears what has expired away in the same statement, whatever is excepted',
    killedBy: ['clock/revoked-by-a-clock-ahead'],
    open: opened(ClearsExpired, {
      deleteSubject: `DELETE FROM sessions WHERE tag = :tag AND subject = :subject
        AND (id <> :except OR expires_at <= :now) RETURNING expires_at`,
    }),
  },
  // create(k, 100 KB of a); replace(k, expected of another revision, 100 KB of b) = conflict; read(k) = b
  {
    name: 'a replace of a payload of 100 KB or more that is a conflict writes its payload',
    habit: 'keeps large payloads in files beside the database, which are written before the row that names them',
    killedBy: ['round-trip/replace-conflict'],
    open: opened(Files),
  },
]
