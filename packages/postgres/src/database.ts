import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core/adapter'
import { isPool } from './client-check.ts'
import type { PostgresClient, PostgresPool, PostgresPoolClient, PostgresStatement } from './client.ts'
import { hasLost, isDemoted, isRefused, refusal, type Cause } from './errors.ts'

/** How long a call waits for a connection of the pool, in ms. */
const PATIENCE_MS = 3000
/** How long a statement may take, in ms: as long as core waits at most. Its connection is then given up. */
const STATEMENT_MS = 10_000
/** How often a statement is sent that loses against another transaction. */
const TRIES = 5

const TYPES: PostgresStatement['types'] = { getTypeParser: () => (text) => text }

/** A row, every value as the server's text. */
export type Row = Readonly<Record<string, string | null>>

/** What a statement gave: its rows, and how many it returned or changed. */
export interface Answer {
  readonly rows: readonly Row[]
  readonly count: number
}

type Connection = PostgresClient | PostgresPoolClient

/** Statements in a database, each a transaction of its own. No connection has to remember anything from one to the next. */
export class Database {
  readonly #client: PostgresPool | PostgresClient
  readonly #isPool: boolean
  readonly #prepare: boolean
  readonly #names = new Map<string, string>()
  /** Settles when a Client has done what it was given last. */
  #lastTurn: Promise<unknown> = Promise.resolve()

  /**
   * @param prepare - Gives statements names, for connections to remember.
   * @throws {SessError} `invalid_option` for what is neither a Pool nor a Client of pg, or one that cannot be used.
   */
  constructor(client: PostgresPool | PostgresClient, prepare = false) {
    this.#client = client
    this.#prepare = prepare
    this.#isPool = isPool(client)
  }

  /** A statement that writes nothing. @throws {SessError} Always one: nothing was applied. */
  async read(text: string, values: unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.write(text, values)).rows
    } catch (error) {
      throw error instanceof SessError ? error : refusal(error as Cause, 'PostgreSQL gave no answer')
    }
  }

  /**
   * Sends a statement, once; again only where it lost against another transaction and was rolled back. pg answers when the server
   * is ready for the next: then it has committed, or says that it could not.
   *
   * @param values - Without any, the text may have several statements, which are one transaction.
   * @throws {SessError} Where nothing was applied, nor will be.
   * @throws {Error} The driver's own where that is not known.
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
    // One whose state is not known, or that ends, is not used again, nor one of a server that was demoted.
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

  /** pg no longer wants to queue statements of a Client itself. */
  #inTurn(send: () => Promise<Answer>): Promise<Answer> {
    const asked = performance.now()
    const turn = this.#lastTurn.then(() => {
      if (performance.now() - asked > PATIENCE_MS)
        throw new SessError('store_unavailable', `the Client was busy for ${PATIENCE_MS} ms; give postgresStore a Pool`)
      return send()
    })
    this.#lastTurn = turn.catch(() => {})
    return turn
  }

  /** The same text has the same name, in every store of a process. */
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
          : 'sessions were used within a transaction of the same Client, whose rollback would undo what was acknowledged; use them outside, or give postgresStore a Pool',
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

/** What is known of a connection beside what the store calls. */
interface Known {
  readonly native?: unknown
  readonly connectionParameters?: { readonly query_timeout?: number | false }
}

/** That of the client itself where it is shorter. */
function timeoutOf(connection: Connection): number {
  const own = Number((connection as Known).connectionParameters?.query_timeout) || STATEMENT_MS
  return Math.min(own, STATEMENT_MS)
}

/** As of the server's last answer. */
function isInTransaction(connection: Connection): boolean {
  const status = connection.getTransactionStatus?.()
  return status === 'T' || status === 'E'
}

/**
 * A connection of the pool. Whatever fails here, nothing was sent: the pool has ended or is busy, no server was reached, or it let
 * nobody in.
 */
function lend(pool: PostgresPool): Promise<PostgresPoolClient> {
  return new Promise((resolve, reject) => {
    let waits = true
    const timer = setTimeout(() => {
      waits = false
      reject(new SessError('store_unavailable', `no connection of the pool was there within ${PATIENCE_MS} ms`))
    }, PATIENCE_MS)
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

/** A connection that is lost says so as an event as well, which ends a process where nobody listens. */
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
