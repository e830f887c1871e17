/** A statement as the store sends it. */
export interface PostgresStatement {
  /** Not there: it is prepared for one execution, and no connection has to remember it. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  /** Values are read as the server's text, whatever parsers the application has set. */
  readonly types: { getTypeParser(): (text: string) => string }
  /** In ms. */
  readonly query_timeout: number
}

/** What the store reads of a result. */
export interface PostgresResult {
  readonly rows: unknown[]
  readonly rowCount: number | null
}

/**
 * What the store calls of a `Client` of pg: one connection. Its `getTransactionStatus()` says whether it is within a transaction.
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
  /** Not there before pg 8.21. */
  getTransactionStatus?(): string | null
}

/**
 * What the store calls of a `Pool` of pg.
 *
 * @see https://node-postgres.com/apis/pool
 */
export interface PostgresPool {
  readonly totalCount: number
  connect(): Promise<PostgresPoolClient>
}
