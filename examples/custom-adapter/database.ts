import { invalid, SessError, type SessErrorCode } from '@sess/core/adapter'
import type { CustomTypesConfig, Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'

/** The types of the columns that are asked for. */
const OID = { bool: 16, bytea: 17, int8: 20, int4: 23 } as const

/**
 * How values are read: by the store's own parsers, for those of the driver are the application's to change, for all of its
 * pools (`pg.types.setTypeParser`, `defaults.parseInt8`) or for one (`types`).
 */
const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number) => PARSERS[oid] ?? ((text: string) => text),
}
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [OID.bool]: (text) => text === 't',
  [OID.int4]: Number,
  [OID.int8]: Number,
  [OID.bytea]: bytesOf,
}

/** Errors that the server cannot have after a commit, whatever the language in which it says how severe they are. */
const REFUSED = /^(0A|22|23|25006|40001|40P01|42|55P03|57014|P0)/
/** What will not pass before somebody changes the table, the rights or the pool; and what to do. */
const MISCONFIGURED: Readonly<Record<string, string>> = {
  '42P01': 'there is no table sess_sessions: run SCHEMA, or look at the search_path',
  '42703': 'the table sess_sessions has other columns: run SCHEMA in another schema',
  '42501': 'the user has not the rights SELECT, INSERT, UPDATE and DELETE on sess_sessions',
  '28000': 'the server does not let this user in: look at the pool’s user, and at pg_hba.conf',
  '28P01': 'the server does not take this password',
  '3D000': 'there is no such database',
}

type Cause = Error & { readonly severity?: string; readonly code?: string }

/** Statements in a database. Each is a transaction of its own. */
export class Database {
  readonly #pool: Pool

  /** @throws {SessError} `invalid_option` for what is no Pool of pg, or one that reads values in another way. */
  constructor(pool: Pool) {
    const wrong = misfit(pool)
    if (wrong !== undefined) throw invalid('pool', `must be a Pool of pg, as from new Pool({ … }), and is ${wrong}`)
    if ((pool.options as { binary?: boolean }).binary)
      throw invalid('pool', 'must be without binary: true, which sends values as no parser here expects them')
    this.#pool = pool
  }

  /**
   * Sends a statement, once. pg answers when the server is ready for the next: then it has committed, or says that it could not.
   *
   * @throws {SessError} `store_unavailable`, `store_full` or `configuration` where nothing was applied.
   * @throws {Error} The driver's own where that is not known.
   */
  async query<R extends QueryResultRow>(text: string, values: unknown[]): Promise<QueryResult<R>> {
    const client = await this.#pool.connect().catch((cause: Cause) => {
      // Nothing was sent: the pool has ended or is busy, no server was reached, or it let nobody in.
      throw refusal(cause, 'PostgreSQL was not reached')
    })
    try {
      const result = await sent(client, () => client.query<R>({ text, values, types: TYPES }))
      client.release()
      return result
    } catch (error) {
      const cause = error as Cause
      const isRefused = cause.severity === 'ERROR' || REFUSED.test(cause.code ?? '')
      // A connection whose state is not known is not used again.
      client.release(!isRefused)
      throw isRefused ? refusal(cause, 'PostgreSQL refused') : cause
    }
  }
}

/** A connection that is lost says so as an event as well, which ends a process where nobody listens. */
async function sent<T>(client: PoolClient, send: () => Promise<T>): Promise<T> {
  const heard = (): void => {}
  client.on('error', heard)
  try {
    return await send()
  } finally {
    // The event may come after the query's own error.
    setImmediate(() => client.off('error', heard))
  }
}

function refusal(cause: Cause, otherwise: string): SessError {
  const { code = '', message } = cause
  const wrong = MISCONFIGURED[code]
  const [meaning, text]: [SessErrorCode, string] = wrong
    ? ['configuration', wrong]
    : [code === '53100' ? 'store_full' : 'store_unavailable', otherwise]
  return new SessError(meaning, `${text}: ${message}`, { cause })
}

/** Text in either of the server's forms (`bytea_output`). */
function bytesOf(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  const plain = text.replaceAll(/\\(\\|\d{3})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  )
  return Buffer.from(plain, 'latin1')
}

/** What somebody passed who passed no pool. */
function misfit(pool: unknown): string | undefined {
  if (pool === null || pool === undefined) return String(pool)
  if (typeof pool === 'function') return 'a class, or a client of the package `postgres`'
  if (typeof pool !== 'object') return typeof pool === 'string' ? 'text' : `a ${typeof pool}`
  const { connect, totalCount, query } = pool as Readonly<Record<string, unknown>>
  if (typeof connect === 'function' && typeof totalCount === 'number') return undefined
  if (typeof connect === 'function' && typeof query === 'function')
    return 'a Client: one connection, which may be within a transaction of yours'
  return 'pool' in pool ? 'an object around a pool' : 'an object that is no pool'
}
