import type { SqliteClient } from '../src/index.ts'

/** What the tests call of a database, whichever driver opened it. */
export interface TestDatabase extends SqliteClient {
  close(): void
}

/** One of the drivers: how it opens a file. */
export interface TestDriver {
  readonly name: string
  readonly version: string
  open(file: string): TestDatabase
}

/** All rows of a statement. */
export function rowsOf<Row>(database: SqliteClient, sql: string, ...values: readonly unknown[]): Row[] {
  return database.prepare(sql).all(...(values as never[])) as Row[]
}
