import { SessError, type SessErrorCode } from '@sess/core/adapter'

/** An error of pg: of the server where it has an SQLSTATE in `code`, of a socket or of pg itself otherwise. */
export type Cause = Error & { readonly severity?: string; readonly code?: string }

/** SQLSTATEs of a transaction that lost against another, and was rolled back: serialization failure, deadlock. */
const LOST = /^40(001|P01)$/

/**
 * SQLSTATEs that a server cannot say after a commit, whatever the language in which it says how severe they are.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REFUSED = /^(0A|2[23568]|3D|40001|40P01|42|53|55|57014|P0)/
/** The outcome of the statement is not known, as the server itself says. */
const UNKNOWN = '40003'

/** What will not pass before somebody changes the table, the rights or the client; and what to do. */
const MISCONFIGURED: Readonly<Record<string, string>> = {
  '42P01': 'there is no such table: call migrate(), or look at the options table and schema and at the search_path',
  '42703': 'the table has other columns: give another name by the option table, and call migrate()',
  '26000':
    'a prepared statement has gone: leave out the option prepare behind PgBouncer, and where connections are reset',
  '42P05': 'a prepared statement is there already: leave out the option prepare behind PgBouncer',
  '42P10': 'the table has another primary key: give another name by the option table, and call migrate()',
  '42501': 'the user lacks a right: grant it USAGE on the schema, and SELECT, INSERT, UPDATE, DELETE on the table',
  '3F000': 'there is no such schema: call migrate()',
  '28000': 'the server does not let this user in: look at the client’s user, and at pg_hba.conf',
  '28P01': 'the server does not take this password',
  '3D000': 'there is no such database',
}

/** What passes by itself, in words that say more than the server does. */
const PASSING: Readonly<Record<string, string>> = {
  '22012': 'PostgreSQL is a standby: what it knows of sessions may be old. Connect to the primary',
  '25006': 'PostgreSQL is read-only: a standby, or a primary until its failover is over. Connect to the primary',
  '53300': 'PostgreSQL takes no more connections: lower the pool’s max, or raise max_connections',
  '57P03': 'PostgreSQL is starting up or shutting down',
}

/** True for an error after which nothing of the statement was applied, nor ever will be. */
export function isRefused({ severity, code = '', message }: Cause): boolean {
  return (
    ((severity === 'ERROR' || REFUSED.test(code)) && code !== UNKNOWN) ||
    // PgBouncer had no server to give the statement to.
    message === 'query_wait_timeout'
  )
}

/** True for a transaction that another one forced out: it may be tried again at once. */
export function hasLost(error: unknown): boolean {
  return LOST.test(codeOf(error))
}

/** True for a server that will not be the right one again soon: a new connection may lead to the one that is. */
export function isDemoted(error: unknown): boolean {
  const code = codeOf(error)
  return code === '25006' || code === '22012'
}

function codeOf(error: unknown): string {
  return (error as Partial<Cause> | undefined)?.code ?? ''
}

/** The error of something that was not applied. @param otherwise - What is said of a cause that says nothing more. */
export function refusal(cause: Cause, otherwise: string): SessError {
  const { code = '', message } = cause
  const wrong = MISCONFIGURED[code]
  const [meaning, text]: [SessErrorCode, string] = wrong
    ? ['configuration', wrong]
    : code === '53100'
      ? ['store_full', 'the disk of PostgreSQL is full; free some, and nothing is lost']
      : ['store_unavailable', PASSING[code] ?? otherwise]
  return new SessError(meaning, `${text}: ${message}`, { cause })
}
