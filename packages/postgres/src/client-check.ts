import { invalid } from '@sess/core/adapter'
import type { PostgresClient, PostgresPool } from './client.ts'

type Properties = Readonly<Record<string, unknown>>

/**
 * True for a Pool, false for a Client.
 *
 * @throws {SessError} `invalid_option` for a value that is neither, and for a Pool or Client that the store cannot use.
 */
export function isPool(client: PostgresPool | PostgresClient): client is PostgresPool {
  const wrong = misfit(client)
  if (wrong !== undefined)
    throw invalid('client', `must be a Pool or a Client of pg, as from new Pool({ … }), and is ${wrong}`)
  const { totalCount, options, binary, pipeline, native } = client as unknown as Properties
  const pool = typeof totalCount === 'number'
  if (pool ? (options as Properties | undefined)?.['binary'] : binary)
    throw invalid('client', 'must be without binary: true: the store reads values as text')
  if (pool) return true
  if (pipeline)
    throw invalid(
      'client',
      'must be a Client without pipeline: true, which hides whether a statement ran within a transaction; pass a Pool',
    )
  if (native !== undefined) throw invalid('client', 'must be a Client of pg itself, and not of pg-native')
  if (typeof (client as Partial<PostgresClient>).getTransactionStatus !== 'function')
    throw invalid(
      'client',
      'must be a Pool, or a Client of pg 8.21 or later: an older Client does not tell whether it is in a transaction',
    )
  return false
}

/** Describes a value that is neither a Pool nor a Client, for the message of an error. Undefined for a Pool or a Client. */
function misfit(client: unknown): string | undefined {
  if (client === null || client === undefined) return String(client)
  if (typeof client === 'function') return 'a class, or a client of the package `postgres`'
  if (typeof client !== 'object') return typeof client === 'string' ? 'text' : `a ${typeof client}`
  const { connect, query } = client as Properties
  if (typeof connect === 'function' && typeof query === 'function') return undefined
  return 'pool' in client ? 'an object around a pool' : 'an object that is not a client'
}
