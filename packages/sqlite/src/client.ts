/** What the store calls of a prepared statement of better-sqlite3. */
export interface SqliteStatement {
  run(...values: unknown[]): { changes: number }
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

/** What the store calls of a `Database` of better-sqlite3. */
export interface SqliteClient {
  readonly open: boolean
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  pragma(source: string, options?: { simple?: boolean }): unknown
}
