/** A statement in the form that the store gives to pg. */
export interface PostgresStatement {
  /** The name of the prepared statement. Absent: the statement is prepared for one execution, and the connection keeps nothing. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  /** Parsers that return the server's text. They override the parsers that the application has set. */
  readonly types: { getTypeParser(): (text: string) => string }
  /** The longest time that pg waits for the result, in ms. */
  readonly query_timeout: number
}

/** The members that the store reads of a result. */
export interface PostgresResult {
  readonly rows: unknown[]
  readonly rowCount: number | null
}

/**
 * The members that the store calls of a `Client` of pg, which is one connection. `getTransactionStatus()` tells whether the
 * connection is within a transaction.
 *
 * @see https://node-postgres.com/apis/client
 */
export interface PostgresClient {
  query(statement: PostgresStatement): Promise<PostgresResult>
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  getTransactionStatus(): string | null
}

/** A connection that a pool lends. */
export interface PostgresPoolClient extends Omit<PostgresClient, 'getTransactionStatus'> {
  release(destroy?: boolean): void
  /** Absent before pg 8.21. */
  getTransactionStatus?(): string | null
}

/**
 * The members that the store calls of a `Pool` of pg.
 *
 * @see https://node-postgres.com/apis/pool
 */
export interface PostgresPool {
  readonly totalCount: number
  connect(): Promise<PostgresPoolClient>
}
