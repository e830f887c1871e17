import { invalid } from '@sess/core/adapter'
import type { PostgresClient, PostgresPool } from './client.ts'

type Properties = Readonly<Record<string, unknown>>

/** True for a Pool, false for a Client. @throws {SessError} `invalid_option` for what is neither, or one that cannot be used. */
export function isPool(client: PostgresPool | PostgresClient): client is PostgresPool {
  const wrong = misfit(client)
  if (wrong !== undefined)
    throw invalid('client', `must be a Pool or a Client of pg, as from new Pool({ … }), and is ${wrong}`)
  const { totalCount, options, binary, pipeline, native } = client as unknown as Properties
  const pool = typeof totalCount === 'number'
  if (pool ? (options as Properties | undefined)?.['binary'] : binary)
    throw invalid('client', 'must be without binary: true, which sends values as no parser here expects them')
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
      'must be a Pool, or a Client of pg 8.21 or later, which says whether it is in a transaction',
    )
  return false
}

/** What somebody passed who passed neither a Pool nor a Client; undefined for these. */
function misfit(client: unknown): string | undefined {
  if (client === null || client === undefined) return String(client)
  if (typeof client === 'function') return 'a class, or a client of the package `postgres`'
  if (typeof client !== 'object') return typeof client === 'string' ? 'text' : `a ${typeof client}`
  const { connect, query } = client as Properties
  if (typeof connect === 'function' && typeof query === 'function') return undefined
  return 'pool' in client ? 'an object around a pool' : 'an object that is neither'
}
