import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core/adapter'
import { isPool } from './client-check.ts'
import type { PostgresClient, PostgresPool, PostgresPoolClient, PostgresStatement } from './client.ts'
import { hasLost, isDemoted, isRefused, refusal, type Cause } from './errors.ts'

/** The longest time that a call waits for a connection of the pool, or for its turn on a Client, in ms. */
const LEND_MS = 3000
/** The longest time that a statement may take, in ms: the longest `storeTimeout` of core. A pool then closes the connection. */
const STATEMENT_MS = 10_000
/** How many times a statement is sent at most, if it loses against another transaction each time. */
const TRIES = 5

const TYPES: PostgresStatement['types'] = { getTypeParser: () => (text) => text }

/** A row, with every value as the server's text. */
export type Row = Readonly<Record<string, string | null>>

/** The result of a statement. */
export interface Answer {
  readonly rows: readonly Row[]
  /** The number of rows that the statement returned or changed. */
  readonly count: number
}

type Connection = PostgresClient | PostgresPoolClient

/** Sends statements, each a transaction of its own. No connection has to keep anything between two statements. */
export class Database {
  readonly #client: PostgresPool | PostgresClient
  readonly #isPool: boolean
  readonly #prepare: boolean
  readonly #names = new Map<string, string>()
  /** Settles when a Client has finished its last statement. */
  #lastTurn: Promise<unknown> = Promise.resolve()

  /**
   * @param prepare - True: each statement has a name, under which a connection keeps it prepared.
   * @throws {SessError} `invalid_option` for a value that is neither a Pool nor a Client of pg, or that the store cannot use.
   */
  constructor(client: PostgresPool | PostgresClient, prepare = false) {
    this.#client = client
    this.#prepare = prepare
    this.#isPool = isPool(client)
  }

  /** Sends a statement that writes nothing. @throws {SessError} For every failure: a read has applied nothing. */
  async read(text: string, values: unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.write(text, values)).rows
    } catch (error) {
      throw error instanceof SessError ? error : refusal(error as Cause, 'PostgreSQL did not answer')
    }
  }

  /**
   * Sends a statement once. It retries only if the statement lost against another transaction and was rolled back. pg answers once
   * the server is ready for the next statement: the server has then committed, or has reported that it could not.
   *
   * @param values - If absent, the text may have several statements, which are one transaction.
   * @throws {SessError} If nothing was applied, and nothing will be applied later.
   * @throws {Error} The driver's error, if it is not known whether the statement was applied.
   */
  async write(text: string, values?: unknown[]): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#onConnection(text, values)
      } catch (error) {
        if (attempt === TRIES || !(error instanceof SessError) || !hasLost(error.cause)) throw error
        await delay(Math.random() * 5 * 2 ** attempt)
      }
    }
  }

  async #onConnection(text: string, values: unknown[] | undefined): Promise<Answer> {
    if (!this.#isPool) return this.#inTurn(() => this.#send(this.#client as PostgresClient, text, values))
    const connection = await lend(this.#client as PostgresPool)
    // The pool closes a connection whose state is unknown, a connection that ends, and a connection to a demoted server.
    let isSpoilt = true
    try {
      const answer = await this.#send(connection, text, values)
      isSpoilt = false
      return answer
    } catch (error) {
      if (error instanceof SessError) isSpoilt = (error.cause as Cause)?.severity !== 'ERROR' || isDemoted(error.cause)
      throw error
    } finally {
      connection.release(isSpoilt)
    }
  }

  /** Sends the statements of a Client one after another: pg has deprecated its own queue of a Client. */
  #inTurn(send: () => Promise<Answer>): Promise<Answer> {
    const asked = performance.now()
    const turn = this.#lastTurn.then(() => {
      if (performance.now() - asked > LEND_MS)
        throw new SessError('store_unavailable', `the Client was busy for ${LEND_MS} ms; give postgresStore a Pool`)
      return send()
    })
    this.#lastTurn = turn.catch(() => {})
    return turn
  }

  /** Returns the name of a prepared statement. The same text has the same name in every store. */
  #nameOf(text: string): string {
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `sess_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
      this.#names.set(text, name)
    }
    return name
  }

  async #send(connection: Connection, text: string, values: unknown[] | undefined): Promise<Answer> {
    if (isInTransaction(connection))
      throw new SessError(
        'unsupported',
        this.#isPool
          ? 'the pool lent a connection within a transaction: somebody released it without COMMIT or ROLLBACK'
          : 'sessions were used within a transaction of the same Client, whose rollback would undo acknowledged writes; use sessions outside of it, or give postgresStore a Pool',
      )
    const statement: PostgresStatement = {
      text,
      ...(values && { values, ...(this.#prepare && { name: this.#nameOf(text) }) }),
      types: TYPES,
      query_timeout: timeoutOf(connection),
    }
    try {
      const result = await sent(connection, () => connection.query(statement))
      if (isInTransaction(connection))
        throw new Error('the statement ran within a transaction that began meanwhile on the same Client')
      const { rows, rowCount } = result
      return { rows: rows as Row[], count: rowCount ?? 0 }
    } catch (error) {
      throw isRefused(error as Cause) ? refusal(error as Cause, 'PostgreSQL refused') : error
    }
  }
}

/** Members of a connection of pg that are not in its documentation. */
interface Known {
  readonly native?: unknown
  readonly connectionParameters?: { readonly query_timeout?: number | false }
}

/** The timeout of a statement, in ms: {@link STATEMENT_MS}, or the client's own `query_timeout` if it is shorter. */
function timeoutOf(connection: Connection): number {
  const own = Number((connection as Known).connectionParameters?.query_timeout) || STATEMENT_MS
  return Math.min(own, STATEMENT_MS)
}

/** Whether the connection is within a transaction, by the server's last reply. */
function isInTransaction(connection: Connection): boolean {
  const status = connection.getTransactionStatus?.()
  return status === 'T' || status === 'E'
}

/**
 * Takes a connection from the pool. After an error nothing was sent: the pool has ended or is busy, no server was reached, or the
 * server refused the login.
 *
 * @throws {SessError} `store_unavailable`, `configuration`.
 */
function lend(pool: PostgresPool): Promise<PostgresPoolClient> {
  return new Promise((resolve, reject) => {
    let waits = true
    const timer = setTimeout(() => {
      waits = false
      reject(new SessError('store_unavailable', `no connection of the pool was free within ${LEND_MS} ms`))
    }, LEND_MS)
    pool.connect().then(
      (connection) => {
        clearTimeout(timer)
        if (!waits) return connection.release()
        if ((connection as Known).native === undefined) return resolve(connection)
        connection.release()
        reject(new SessError('configuration', 'the pool is of pg-native; pass a Pool of pg itself'))
      },
      (cause: Cause) => {
        clearTimeout(timer)
        reject(refusal(cause, 'PostgreSQL was not reached'))
      },
    )
  })
}

/** Sends, with a listener for `error`: a lost connection also emits that event, which ends the process if nothing listens. */
async function sent<T>(connection: Connection, send: () => Promise<T>): Promise<T> {
  const heard = (): void => {}
  connection.on('error', heard)
  try {
    return await send()
  } finally {
    // The event may come after the query's own error.
    setImmediate(() => connection.off('error', heard))
  }
}
