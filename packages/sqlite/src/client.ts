/** The methods of a prepared statement that the store calls, with all three drivers. */
export interface SqliteStatement {
  run(...values: never[]): unknown
  all(...values: never[]): unknown[]
}

/**
 * A database connection: a `Database` of better-sqlite3, a `DatabaseSync` of `node:sqlite`, or a `Database` of `bun:sqlite`. The store
 * recognises the driver by other properties of the object, and imports no driver.
 *
 * @see https://github.com/WiseLibs/better-sqlite3/blob/master/docs/api.md
 * @see https://nodejs.org/api/sqlite.html
 * @see https://bun.com/docs/runtime/sqlite
 */
export interface SqliteClient {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
}
