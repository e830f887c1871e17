import type { RedisClient, RedisServer, ScriptsInBytes } from '@sess/redis/store'
import type { Argument, CommandOptions } from './client.ts'

/** RESP's type of a bulk string, such as the value of a key. The package `redis` calls it `RESP_TYPES.BLOB_STRING`. */
const BLOB_STRING = 36
/** Sends a command at its turn, and reads the reply as text. It overrides the client's own `commandOptions`. */
export const TEXT: CommandOptions = { typeMapping: {}, timeout: 0, asap: false, abortSignal: undefined as never }
const BYTES: CommandOptions = { ...TEXT, typeMapping: { [BLOB_STRING]: Buffer } }

/** Sends commands to the server that has a key. */
export interface Sender {
  send(key: string, args: Argument[], options: CommandOptions): Promise<unknown>
  /** Sends several commands on one connection, in their order. */
  sendAll(key: string, commands: readonly Argument[][], options: CommandOptions): Promise<unknown[]>
}

/** The commands of a store. */
export type Commands = Pick<RedisClient, 'del' | 'eval' | 'evalsha' | 'getrangeBuffer' | 'pipeline' | 'zrange'> &
  ScriptsInBytes

/**
 * Makes the commands of a store from `sendCommand` of a client, which adds no prefix, uses no cache, and converts replies by the
 * options of the call.
 *
 * @param keyPrefix - The prefix that the client's other commands put before a key.
 */
export function commandsOf({ send, sendAll }: Sender, keyPrefix: string): Commands {
  const scriptBy =
    (command: string, options: CommandOptions) =>
    (text: string, count: number, ...rest: (string | number | Buffer)[]): Promise<unknown> => {
      const args: Argument[] = [command, text, `${count}`]
      for (const each of rest) {
        const isKey = args.length < count + 3
        args.push(isKey ? keyPrefix + String(each) : typeof each === 'number' ? `${each}` : each)
      }
      return send(args[3] as string, args, options)
    }
  return {
    async getrangeBuffer(key, start, end) {
      const name = keyPrefix + key
      return (await send(name, ['GETRANGE', name, `${start}`, `${end}`], BYTES)) as Buffer
    },
    async zrange(key, start, end) {
      const name = keyPrefix + key
      return (await send(name, ['ZRANGE', name, `${start}`, end], TEXT)) as string[]
    },
    del: (key) => send(keyPrefix + key, ['DEL', keyPrefix + key], TEXT),
    evalsha: scriptBy('EVALSHA', TEXT),
    eval: scriptBy('EVAL', TEXT),
    evalshaBuffer: scriptBy('EVALSHA', BYTES),
    evalBuffer: scriptBy('EVAL', BYTES),
    pipeline() {
      let to = ''
      const queued: Argument[][] = []
      return {
        set(key, value, unit, ms) {
          to = keyPrefix + key
          queued.push(['SET', to, value, unit, `${ms}`])
          return this
        },
        wait(count, timeout) {
          queued.push(['WAIT', `${count}`, `${timeout}`])
          return this
        },
        async exec() {
          return (await sendAll(to, queued, TEXT)).map((answer) => [null, answer])
        },
      }
    },
  }
}

/** Makes the command SCAN, which reads a page of a server's keys. @param send - Sends to that server. */
export const scanOf =
  (send: (args: Argument[], options: CommandOptions) => Promise<unknown>): RedisServer['scan'] =>
  async (...args) =>
    (await send(['SCAN', ...args.map(String)], TEXT)) as [string, string[]]
