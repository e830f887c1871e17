import { errorMonitor } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers'
import type { ClientEvent, RedisClient, RedisServer } from '@sess/redis/store'
import type { Argument, CommandOptions, NodeRedisClient, NodeRedisCluster } from './client.ts'
import { commandsOf, scanOf, TEXT } from './commands.ts'
import { Listeners } from './listeners.ts'
import { NOT_OPEN } from './single.ts'
import { ALL_SLOTS, keyIn, slotOf } from './slot.ts'
import { isAborted, Unwritten } from './unwritten.ts'

/** The longest time that a call waits for a node that is down, in ms, counted from the moment at which the node was found down. */
const RECONNECT_MS = 1000
/** The least time between two refreshes of the list of masters, in ms, while a node is down. */
const REFRESH_MS = 500

/** An entry of the reply of CLUSTER SLOTS: the first slot, the last slot, and the master; the replicas follow. */
type Slots = readonly [from: number, to: number, master: readonly [address: string, port: number, id: string]]

/** The commands that go to one node within a second. They share a signal and a timer: one pair for each command would cost too much. */
interface Window {
  /** The node's client; undefined if it was not known. */
  readonly client: NodeRedisClient | undefined
  /** Aborts two seconds after the window was opened, and when the node's connection is lost. */
  readonly controller: AbortController
  /** In ms, of `performance.now()`. */
  readonly opened: number
  /** The commands that have no reply yet. */
  readonly open: Set<{ readonly key: string }>
}

/** A client of `createCluster`, in the form that a store calls. */
export interface Cluster extends RedisClient {
  /**
   * Returns all masters.
   *
   * @param prefix - The prefix of the store's keys.
   * @throws {Error} If one master cannot be reached: a count without that master would be wrong.
   */
  masters(prefix: string): Promise<readonly RedisServer[]>
  /**
   * Calls `listener` when a connection is lost.
   *
   * @param listener - `all`: true if no master is connected.
   * @returns A function that removes the listener.
   */
  onLoss(listener: (all: boolean) => void): () => void
}

/**
 * Makes a client of `createCluster` a {@link Cluster}.
 *
 * The client follows MOVED and ASK, and sends a command again for no other reason. But it keeps commands for a node that is down
 * until the node comes back, however late, and `redis` 5 does not ask whether a failover has promoted another node.
 */
export function clusterOf(cluster: NodeRedisCluster): Cluster {
  const { _keyPrefix = '' } = cluster as { _keyPrefix?: string | Buffer }
  const keyPrefix = String(_keyPrefix)
  const events = new Listeners<ClientEvent>()
  const losses = new Set<(all: boolean) => void>()
  // A client with `minimizeConnections` connects to a node at the first command for the node.
  const isReady = (): boolean =>
    cluster.isReady !== false && cluster.masters.some(({ client }) => !client || client.isReady)
  /** For the client of a node that is down, the moment at which the node was found down, in ms of `performance.now()`. */
  const downSince = new WeakMap<NodeRedisClient, number>()
  /** For the client of a node that is down, the last refresh of the list of masters, in ms of `performance.now()`. */
  const refreshedAt = new WeakMap<NodeRedisClient, number>()
  const watched = new WeakMap<NodeRedisClient, Unwritten>()
  /** The last window of each node's client. The window for unknown nodes is under the Cluster itself. */
  const windows = new WeakMap<object, Window>()
  /** All windows whose time has not ended. A node has more than one at a time. */
  const openWindows = new Set<Window>()
  let lastError: Error | undefined

  /** Returns the {@link Unwritten} of a node's client. The first call begins to pass on the client's events. */
  function watch(client: NodeRedisClient): Unwritten {
    const known = watched.get(client)
    if (known) return known
    const unwritten = new Unwritten(client)
    watched.set(client, unwritten)
    let isUp = client.isReady
    client.on('ready', () => {
      isUp = true
      downSince.delete(client)
      events.emit('ready')
    })
    client.on(errorMonitor, () => {
      if (!isUp || client.isReady) return
      isUp = false
      downSince.set(client, performance.now())
      for (const window of openWindows) if (window.client === client) window.controller.abort()
      const all = !isReady()
      for (const lost of losses) lost(all)
    })
    return unwritten
  }

  /**
   * Makes the client refresh its list of masters, if the master of a key is down or does not answer. It sends a read of the key to
   * another node, which answers MOVED.
   */
  function refreshMasters(key: string): void {
    const now = performance.now()
    const { client } = cluster.slots[slotOf(key)]?.master ?? {}
    const others = cluster.masters.filter((node) => node.client?.isReady && node.client !== client)
    const other = others[Math.floor(Math.random() * others.length)]
    if (!client || !other || now - (refreshedAt.get(client) ?? -Infinity) < REFRESH_MS) return
    refreshedAt.set(client, now)
    const itsSlot = cluster.slots.findIndex((shard) => shard?.master === other)
    // The first argument chooses the node: it is a key of the other node, and the command reads this key.
    send(keyIn(itsSlot, ''), ['GETRANGE', key, '0', '0'], TEXT).catch(() => {})
  }

  /** Makes the error of a command that was not sent. */
  function neverSent(): Error {
    const reason = lastError?.message ?? 'it does not answer'
    return new Error(`The command was not sent, for its node of Redis is down: ${reason}`, { cause: lastError })
  }

  /**
   * Returns the client of a key's node. Undefined if the node is not known yet.
   *
   * @throws {Error} If the node has been down for longer than {@link RECONNECT_MS}.
   */
  function nodeOf(key: string): NodeRedisClient | undefined {
    const client = cluster.slots[slotOf(key)]?.master.client
    if (client === undefined) return undefined
    watch(client)
    if (client.isReady) return client
    const since = downSince.get(client) ?? performance.now()
    downSince.set(client, since)
    refreshMasters(key)
    if (performance.now() - since > RECONNECT_MS) throw neverSent()
    return client
  }

  /** Returns the window of a node for a command that goes now. @param client - The node's client; undefined if not known yet. */
  function windowNow(client: NodeRedisClient | undefined): Window {
    const now = performance.now()
    const last = windows.get(client ?? cluster)
    if (last && !last.controller.signal.aborted && now - last.opened < RECONNECT_MS) return last
    const controller = new AbortController()
    const open = new Set<{ readonly key: string }>()
    const window = { client, controller, opened: now, open }
    openWindows.add(window)
    const close = (): void => {
      openWindows.delete(window)
      // Commands that have not been sent by now are given up. If a node has not replied, a failover may have promoted another node.
      controller.abort()
      if (client && open.size > 0) watch(client).mend()
      for (const { key } of open) refreshMasters(key)
    }
    // After a pause of the process the client first sends its queued commands.
    setTimeout(() => setImmediate(close), 2 * RECONNECT_MS).unref()
    windows.set(client ?? cluster, window)
    return window
  }

  /** Rejects when a signal aborts. While the client waits for a new connection, it ignores the signal. */
  function aborted(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const late = (): void => reject(new Error(`no answer in time: ${lastError?.message ?? 'there is no connection'}`))
      signal.addEventListener('abort', late, { once: true })
    })
  }

  async function send(key: string, args: Argument[], options: CommandOptions): Promise<unknown> {
    const client = nodeOf(key)
    const safe = client && watch(client).safe
    if (safe) await safe
    const { controller, open } = windowNow(client)
    const { signal } = controller
    const command = { key }
    open.add(command)
    try {
      const answer = cluster.sendCommand(key, false, args, { ...options, abortSignal: signal })
      return await (client?.isReady ? answer : Promise.race([answer, aborted(signal)]))
    } catch (error) {
      throw isAborted(error, signal) ? neverSent() : error
    } finally {
      open.delete(command)
    }
  }

  const onError = (error: Error): void => {
    lastError = error
    events.emit(errorMonitor, error)
  }
  const own = [
    ['connect', () => events.emit('ready')],
    ['error', onError],
    ['node-error', onError],
  ] as const

  return {
    ...commandsOf(
      {
        send,
        async sendAll(key, commands, options) {
          const client = nodeOf(key)
          if (!client) throw neverSent()
          return Promise.all(commands.map((args) => watch(client).send(args, options)))
        },
      },
      keyPrefix,
    ),
    options: { keyPrefix },
    get status() {
      return isReady() ? 'ready' : cluster.isOpen ? 'connecting' : 'end'
    },
    get advice() {
      return cluster.isOpen ? undefined : NOT_OPEN
    },
    // The application connects the client.
    connect: async () => {},
    on(event, listener) {
      if (events.add(event, listener) === 1) for (const [name, each] of own) cluster.on(errorOf(name), each)
    },
    off(event, listener) {
      if (events.remove(event, listener) === 0) for (const [name, each] of own) cluster.off(errorOf(name), each)
    },
    onLoss(listener) {
      losses.add(listener)
      return () => losses.delete(listener)
    },
    async masters(prefix) {
      const anyKey = `${keyPrefix}${prefix}{}`
      for (let tries = 0; ; tries++) {
        const slots = (await send(anyKey, ['CLUSTER', 'SLOTS'], TEXT)) as readonly Slots[]
        const moved = movedSlot(slots)
        const clients = await Promise.all(
          cluster.masters.map(async (node) => node.client ?? cluster.nodeClient(node as never)),
        )
        const served = slots.reduce((sum, [from, to]) => sum + to - from + 1, 0)
        if (moved === undefined && served === ALL_SLOTS && clients.every((client) => client.isReady))
          return clients.map((client) => ({ scan: scanOf((args, options) => watch(client).send(args, options)) }))
        if (moved === undefined || tries > 0)
          throw new Error('not every slot of the cluster has a master that can be reached')
        // The slot's old master answers MOVED, and the client then refreshes its list of masters.
        const key = keyIn(moved, keyPrefix + prefix)
        await send(key, ['GETRANGE', key, '0', '0'], TEXT)
      }
    },
  }

  /** Returns a slot whose master is not the master that the client knows for the slot. */
  function movedSlot(slots: readonly Slots[]): number | undefined {
    return slots.find(([from, , [, , id]]) => cluster.slots[from]?.master.id !== id)?.[0]
  }
}

const errorOf = (name: string): string | symbol => (name === 'error' ? errorMonitor : name)
