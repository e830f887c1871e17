import { hash } from 'node:crypto'
import type { RedisClient } from './client.ts'
import { SCRIPT } from './script-text.ts'

/**
 * What became of a change. `conflict`: another revision is there. `missing`: no live record is. An error: what Redis refused
 * it with.
 */
export type Answer = 'done' | 'conflict' | 'missing' | Error

const SHA = hash('sha1', SCRIPT)

/**
 * Runs script.lua by its name, and by its text where the server does not know it: after a restart, or a failover.
 *
 * @returns `resent` where the script was sent again: it has done nothing.
 */
export function evaluate(
  client: RedisClient,
  keys: readonly string[],
  values: readonly (string | Buffer)[],
): Promise<readonly Answer[] | 'resent'> {
  const rest = [keys.length, ...keys, ...values] as const
  return client.evalsha(SHA, ...rest).catch((error: Error) => {
    if (!error.message.includes('NOSCRIPT')) throw error
    return client.eval(SCRIPT, ...rest)
  }) as Promise<readonly Answer[] | 'resent'>
}
