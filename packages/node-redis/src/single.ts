import { errorMonitor } from 'node:events'
import type { ClientEvent, RedisClient, RedisServer } from '@sess/redis/store'
import type { NodeRedisClient } from './client.ts'
import { commandsOf, scanOf } from './commands.ts'
import { Unwritten } from './unwritten.ts'

/** Options of a client of `createClient` that a store heeds. */
interface Options {
  readonly disableOfflineQueue?: boolean | undefined
  readonly keyPrefix?: string | Buffer | undefined
}

/** What is said of a client that nobody has connected, or that was closed. */
export const NOT_OPEN = 'the client is not open: await its connect()'

type Listener = (error: Error) => void
type Listening = readonly [event: string | symbol, listener: Listener]

/** A client of `createClient`, as a store calls it. */
export function singleOf(client: NodeRedisClient): RedisClient & RedisServer {
  const { disableOfflineQueue, keyPrefix = '' } = (client.options ?? {}) as Options
  const unwritten = new Unwritten(client)
  /** What listens to which of the client's events, by the listener that was given. */
  const made = new Map<Listener, readonly Listening[]>()
  const listenersFor = (event: ClientEvent, listener: Listener): readonly Listening[] => {
    // The client says `error` before it does anything else about it.
    const ifSo =
      (is: () => boolean): Listener =>
      (error) =>
        void (is() && listener(error))
    switch (event) {
      case 'close':
        return [
          [errorMonitor, ifSo(() => !client.isReady)],
          ['end', listener],
        ]
      case 'end':
        return [
          [errorMonitor, ifSo(() => !client.isOpen)],
          ['end', listener],
        ]
      case 'ready':
      case errorMonitor:
        return [[event, listener]]
      default:
        return []
    }
  }
  return {
    ...commandsOf(
      {
        send: (_key, args, options) => unwritten.send(args, options),
        sendAll: (_key, commands, options) => Promise.all(commands.map((args) => unwritten.send(args, options))),
      },
      String(keyPrefix),
    ),
    scan: scanOf((args, options) => unwritten.send(args, options)),
    options: { keyPrefix: String(keyPrefix), enableOfflineQueue: !disableOfflineQueue },
    get status() {
      return client.isReady ? 'ready' : client.isOpen ? 'connecting' : 'end'
    },
    get advice() {
      return client.isOpen ? undefined : NOT_OPEN
    },
    // Only its owner connects it.
    connect: async () => {},
    on(event, listener) {
      const own = listenersFor(event, listener)
      made.set(listener, [...(made.get(listener) ?? []), ...own])
      for (const [name, each] of own) client.on(name, each)
    },
    off(_event, listener) {
      for (const [name, each] of made.get(listener) ?? []) client.off(name, each)
      made.delete(listener)
      if (made.size === 0) unwritten.end()
    },
  }
}
