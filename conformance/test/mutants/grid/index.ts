import type { StoreMutant } from '../mutant.ts'
import { clients } from './clients.ts'
import { kvs } from './kv.ts'
import { servers } from './servers.ts'
import { sqls } from './sql.ts'

/**
 * Faults that were looked for in a grid: every sentence of the contract, every method that it speaks of, and every circumstance. The
 * kit missed each of them until it went through all methods, and let the clocks, keys and subjects differ.
 */
export const grid: readonly StoreMutant[] = [...clients, ...servers, ...kvs, ...sqls]
