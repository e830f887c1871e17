import { invalid } from '@sess/core/adapter'
import type { Confirm } from './options.ts'

/**
 * Makes a value for the option `confirm`: a logout or a revocation resolves once `count` replicas have it, so that a failover to one
 * of these does not undo it. It takes one more round trip, and all other commands on the connection wait for it.
 *
 * @param count - The number of all replicas that a failover may promote. With two replicas and a count of 1, Redis may promote the
 *   replica that does not have the logout.
 * @param timeout - How long to wait for the replicas, in ms, up to 10,000. After it the call rejects with `unknown_outcome`.
 * @throws {SessError} `invalid_option`.
 * @see https://redis.io/docs/latest/commands/wait/
 */
export function waitReplicas(count: number, timeout: number): Confirm {
  for (const [name, value] of Object.entries({ count, timeout }))
    if (!Number.isInteger(value) || value < 1 || value > 10_000)
      throw invalid(name, 'must be a whole number from 1 to 10,000')
  return async (client, nothing) => {
    // WAIT waits for the last write of this connection, and so also for all earlier writes of the master, on any connection.
    const answers = await client.pipeline().set(nothing, '', 'PX', 1).wait(count, timeout).exec()
    const [[failed] = [], [, reached] = []] = answers ?? []
    if (failed !== null || !(Number(reached) >= count))
      throw new Error(
        `the session was deleted, but ${count} replicas did not confirm it within ${timeout} ms: a failover may undo it`,
      )
  }
}
