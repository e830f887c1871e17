import { SessError, type SessErrorCode } from '@sess/core/adapter'

/** An error of pg. If `code` is an SQLSTATE, the error is from the server; otherwise it is from a socket or from pg itself. */
export type Cause = Error & { readonly severity?: string; readonly code?: string }

/** SQLSTATEs of a transaction that lost against another transaction and was rolled back: serialization failure, deadlock. */
const LOST = /^40(001|P01)$/

/**
 * SQLSTATEs that a server cannot send after a commit. The code decides, because the severity may be in the server's language.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REFUSED = /^(0A|2[23568]|3D|40001|40P01|42|53|55|57014|P0)/
/** The SQLSTATE by which the server reports that it does not know the outcome of the statement. */
const UNKNOWN = '40003'

/** By SQLSTATE, the errors that last until somebody changes the table, the rights or the client, and how to correct them. */
const MISCONFIGURED: Readonly<Record<string, string>> = {
  '42P01': 'there is no such table: call migrate(), or check the options table and schema and the search_path',
  '42703': 'the table has other columns: give another name by the option table, and call migrate()',
  '26000': 'a prepared statement has gone: leave out the option prepare behind PgBouncer, and if connections are reset',
  '42P05': 'a prepared statement is there already: leave out the option prepare behind PgBouncer',
  '42P10': 'the table has another primary key: give another name by the option table, and call migrate()',
  '42501': 'the user lacks a right: grant it USAGE on the schema, and SELECT, INSERT, UPDATE, DELETE on the table',
  '3F000': 'there is no such schema: call migrate()',
  '28000': 'the server does not let this user in: check the client’s user, and pg_hba.conf',
  '28P01': 'the server does not take this password',
  '3D000': 'there is no such database',
}

/** By SQLSTATE, messages for errors that pass by themselves. They say more than the server's own messages. */
const PASSING: Readonly<Record<string, string>> = {
  '22012': 'PostgreSQL is a standby: its sessions may be out of date. Connect to the primary',
  '25006': 'PostgreSQL is read-only: a standby, or a primary until its failover is over. Connect to the primary',
  '53300': 'PostgreSQL takes no more connections: lower the pool’s max, or raise max_connections',
  '57P03': 'PostgreSQL is starting up or shutting down',
}

/** True for an error after which nothing of the statement was applied, and nothing will be applied later. */
export function isRefused({ severity, code = '', message }: Cause): boolean {
  return (
    ((severity === 'ERROR' || REFUSED.test(code)) && code !== UNKNOWN) ||
    // PgBouncer had no server to give the statement to.
    message === 'query_wait_timeout'
  )
}

/** True for a transaction that lost against another transaction: the caller may retry at once. */
export function hasLost(error: unknown): boolean {
  return LOST.test(codeOf(error))
}

/** True for an error of a demoted server: a new connection may reach the new primary. */
export function isDemoted(error: unknown): boolean {
  const code = codeOf(error)
  return code === '25006' || code === '22012'
}

function codeOf(error: unknown): string {
  return (error as Partial<Cause> | undefined)?.code ?? ''
}

/** Makes the error of a statement that was not applied. @param otherwise - The message for an SQLSTATE without its own message. */
export function refusal(cause: Cause, otherwise: string): SessError {
  const { code = '', message } = cause
  const wrong = MISCONFIGURED[code]
  const [meaning, text]: [SessErrorCode, string] = wrong
    ? ['configuration', wrong]
    : code === '53100'
      ? ['store_full', 'the disk of PostgreSQL is full; free some space, and nothing is lost']
      : ['store_unavailable', PASSING[code] ?? otherwise]
  return new SessError(meaning, `${text}: ${message}`, { cause })
}
