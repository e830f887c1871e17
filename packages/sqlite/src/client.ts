/** What the store calls of a prepared statement, whichever of the three drivers made it. */
export interface SqliteStatement {
  run(...values: never[]): unknown
  all(...values: never[]): unknown[]
}

/**
 * What the store calls of a database connection: a `Database` of better-sqlite3, a `DatabaseSync` of `node:sqlite`, or a
 * `Database` of `bun:sqlite`. The store tells them apart by their other properties, and imports none of them.
 *
 * @see https://github.com/WiseLibs/better-sqlite3/blob/master/docs/api.md
 * @see https://nodejs.org/api/sqlite.html
 * @see https://bun.com/docs/runtime/sqlite
 */
export interface SqliteClient {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
}
