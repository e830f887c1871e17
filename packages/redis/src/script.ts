import { hash } from 'node:crypto'
import type { RedisClient, ScriptsInBytes } from './client.ts'
import { READ, WRITE } from './script-text.ts'

/**
 * What became of a change. `conflict`: another revision is there. `missing`: no live record is. An error: what Redis refused
 * it with.
 */
export type Answer = 'done' | 'conflict' | 'missing' | Error

const WRITE_SHA = hash('sha1', WRITE)
const READ_SHA = hash('sha1', READ)
const NOTHING = Buffer.alloc(0)

/**
 * Runs write.lua.
 *
 * @returns `resent` where the script was sent again: it has done nothing.
 */
export function evaluate(
  client: RedisClient,
  keys: readonly string[],
  values: readonly (string | Uint8Array)[],
): Promise<readonly Answer[] | 'resent'> {
  const rest = [keys.length, ...keys, ...values] as const
  return client.evalsha(WRITE_SHA, ...rest).catch(ifUnknown(() => client.eval(WRITE, ...rest))) as Promise<
    readonly Answer[] | 'resent'
  >
}

/**
 * The values of keys, and no more of each than a record may have. Empty: there is none, or one of another type. A single key
 * is read by a command, which takes Redis less time than read.lua.
 *
 * @param last - The last byte that is read.
 */
export function valuesOf(client: RedisClient, keys: readonly string[], last: number): Promise<readonly Uint8Array[]> {
  if (keys.length === 1)
    return client.getrangeBuffer(keys[0]!, 0, last).then(
      (value) => [value],
      (error: Error) => {
        if (!error.message.includes('WRONGTYPE')) throw error
        return [NOTHING]
      },
    )
  const scripts = client as RedisClient & ScriptsInBytes
  const rest = [keys.length, ...keys, last] as const
  return scripts.evalshaBuffer(READ_SHA, ...rest).catch(ifUnknown(() => scripts.evalBuffer(READ, ...rest))) as Promise<
    readonly Uint8Array[]
  >
}

/** A server knows a script by its name until it restarts, or another takes its place. Then it is sent its text. */
function ifUnknown<T>(send: () => Promise<T>): (error: Error) => Promise<T> {
  return (error) => {
    if (!error.message.includes('NOSCRIPT')) throw error
    return send()
  }
}
