import { errorMonitor } from 'node:events'
import type { ClientEvent, RedisClient, RedisServer } from '@sess/redis/store'
import type { Argument, CommandOptions, NodeRedisClient, NodeRedisSentinel } from './client.ts'
import { commandsOf, scanOf } from './commands.ts'
import { Listeners } from './listeners.ts'
import { NOT_OPEN } from './single.ts'
import { Unwritten } from './unwritten.ts'

/**
 * Gives a client of `createSentinel` the form that a store calls.
 *
 * The client sends a command again, without an event, when the connection to the master is lost or the master was demoted. So this
 * code gives the client a function that sends each command once. The function also sees the connection, and passes on the
 * connection's events.
 */
export function sentinelOf(sentinel: NodeRedisSentinel): RedisClient & RedisServer {
  const { _keyPrefix: keyPrefix = '' } = sentinel as { _keyPrefix?: string | Buffer }
  const events = new Listeners<ClientEvent>()
  const watched = new WeakMap<NodeRedisClient, Unwritten>()

  /** Passes on the events of a connection to a master. */
  function watch(connection: NodeRedisClient): Unwritten {
    const known = watched.get(connection)
    if (known) return known
    const unwritten = new Unwritten(connection)
    watched.set(connection, unwritten)
    connection.on(errorMonitor, (error: Error) => {
      if (connection.isReady) return
      events.emit(errorMonitor, error)
      events.emit('close')
    })
    connection.on('end', () => events.emit('close'))
    connection.on('ready', () => events.emit('ready'))
    return unwritten
  }

  /** Runs a function once with a connection to the master, even if the client retries. */
  function once<T>(run: (connection: Unwritten) => Promise<T>): Promise<T> {
    let first: Promise<T> | undefined
    return sentinel['_execute'](false, (connection) => {
      const unwritten = watch(connection)
      // At a retry of the client the command has no reply: the call fails with the error of the first attempt.
      return (first ??= run(unwritten))
    })
  }

  /** Waits for the connection to the master, passes on its events from then on, and emits `ready`. */
  function awaitMaster(): void {
    once(async () => {}).then(
      () => events.emit('ready'),
      () => {},
    )
  }

  function onTopology(change: object): void {
    if ((change as { type: string }).type !== 'MASTER_CHANGE') return
    // The connections to the old master are closed.
    events.emit('close')
    awaitMaster()
  }

  const own = [
    ['topology-change', onTopology],
    [errorMonitor, (error: Error) => events.emit(errorMonitor, error)],
  ] as const
  if (sentinel.isOpen) awaitMaster()

  const send = (args: Argument[], options: CommandOptions): Promise<unknown> =>
    once((connection) => connection.send(args, options))
  return {
    ...commandsOf(
      {
        send: (_key, args, options) => send(args, options),
        sendAll: (_key, commands, options) =>
          once((connection) => Promise.all(commands.map((args) => connection.send(args, options)))),
      },
      String(keyPrefix),
    ),
    scan: scanOf(send),
    options: { keyPrefix: String(keyPrefix) },
    get status() {
      return sentinel.getMasterNode() ? 'ready' : sentinel.isOpen ? 'connecting' : 'end'
    },
    get advice() {
      return sentinel.isOpen ? undefined : NOT_OPEN
    },
    // The application connects the client.
    connect: async () => {},
    on(event, listener) {
      if (events.add(event, listener) === 1) for (const [name, each] of own) sentinel.on(name, each)
    },
    off(event, listener) {
      if (events.remove(event, listener) === 0) for (const [name, each] of own) sentinel.off(name, each)
    },
  }
}
