import { Pool, type PoolConfig } from 'pg'

/** A pool of a test's server, as its superuser. */
export function poolOf(config: PoolConfig): Pool {
  const pool = new Pool({ host: '127.0.0.1', user: 'postgres', database: 'postgres', ...config })
  pool.on('error', () => {}) // an idle connection was lost: the next call opens another connection
  return pool
}
