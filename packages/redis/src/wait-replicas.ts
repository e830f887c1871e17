import { invalid } from '@sess/core/adapter'
import type { Confirm } from './options.ts'

/**
 * For the option `confirm`: a logout or a revocation is acknowledged once so many replicas have it, so that a failover to one
 * of these does not undo it. Give the number of all replicas that a failover may promote: with two of them, and a count of 1, the
 * other one may be promoted. One round trip more, and whatever uses the same connection waits as long.
 *
 * @param count - How many replicas.
 * @param timeout - How long to wait for them, in ms, up to 10,000; then the outcome is `unknown_outcome`.
 * @throws {SessError} `invalid_option`.
 * @see https://redis.io/docs/latest/commands/wait/
 */
export function waitReplicas(count: number, timeout: number): Confirm {
  for (const [name, value] of Object.entries({ count, timeout }))
    if (!Number.isInteger(value) || value < 1 || value > 10_000)
      throw invalid(name, 'must be a whole number from 1 to 10,000')
  return async (client, nothing) => {
    // Waits for this write, and so for all before it, whichever connection they came by.
    const answers = await client.pipeline().set(nothing, '', 'PX', 1).wait(count, timeout).exec()
    const [[failed] = [], [, reached] = []] = answers ?? []
    if (failed !== null || !(Number(reached) >= count))
      throw new Error(`deleted, but ${count} replicas did not say so within ${timeout} ms: a failover may undo it`)
  }
}
