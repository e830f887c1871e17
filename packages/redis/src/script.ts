import { hash } from 'node:crypto'
import type { RedisClient, ScriptsInBytes } from './client.ts'
import { READ, WRITE } from './script-text.ts'

/**
 * The result of one change. `conflict`: the record has another revision. `missing`: there is no live record. An error: Redis refused
 * the change with it.
 */
export type Answer = 'done' | 'conflict' | 'missing' | Error

const WRITE_SHA = hash('sha1', WRITE)
const READ_SHA = hash('sha1', READ)
const NOTHING = Buffer.alloc(0)

/**
 * Runs write.lua.
 *
 * @returns `resent` if the client sent the script again after a lost connection: then the script has done nothing.
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
 * Reads the values of keys, each up to an offset. A value is empty if the key does not exist or has another type. For a single key it
 * sends a command, which takes Redis less time than read.lua.
 *
 * @param last - The offset of the last byte to read.
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

/** Sends the text of a script if the server does not know the script by its hash: at first, after a restart, and after a failover. */
function ifUnknown<T>(send: () => Promise<T>): (error: Error) => Promise<T> {
  return (error) => {
    if (!error.message.includes('NOSCRIPT')) throw error
    return send()
  }
}
