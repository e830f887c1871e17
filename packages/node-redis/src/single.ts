import { errorMonitor } from 'node:events'
import type { ClientEvent, RedisClient, RedisServer } from '@sess/redis/store'
import type { NodeRedisClient } from './client.ts'
import { commandsOf, scanOf } from './commands.ts'
import { Unwritten } from './unwritten.ts'

/** The options of a client of `createClient` that a store reads. */
interface Options {
  readonly disableOfflineQueue?: boolean | undefined
  readonly keyPrefix?: string | Buffer | undefined
}

/** The advice in the error for a client that nobody has connected, or that was closed. */
export const NOT_OPEN = 'the client is not open: await its connect()'

type Listener = (error: Error) => void
type Listening = readonly [event: string | symbol, listener: Listener]

/** Gives a client of `createClient` the form that a store calls. */
export function singleOf(client: NodeRedisClient): RedisClient & RedisServer {
  const { disableOfflineQueue, keyPrefix = '' } = (client.options ?? {}) as Options
  const unwritten = new Unwritten(client)
  /** For each listener of the store, the listeners that this code has added to the client. */
  const made = new Map<Listener, readonly Listening[]>()
  const listenersFor = (event: ClientEvent, listener: Listener): readonly Listening[] => {
    // The client emits `error` before it reconnects or gives up.
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
    // The application connects the client.
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
