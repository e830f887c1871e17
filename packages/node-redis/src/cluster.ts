import { errorMonitor } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers'
import type { ClientEvent, RedisClient, RedisServer } from '@sess/redis/store'
import type { Argument, CommandOptions, NodeRedisClient, NodeRedisCluster } from './client.ts'
import { commandsOf, scanOf, TEXT } from './commands.ts'
import { Listeners } from './listeners.ts'
import { NOT_OPEN } from './single.ts'
import { ALL_SLOTS, keyIn, slotOf } from './slot.ts'
import { isAborted, Unwritten } from './unwritten.ts'

/** How long a call waits for a node that is away, in ms, counted from when it was found away. */
const RECONNECT_MS = 1000
/** How often the client is made to ask who the masters are, in ms, while a node is away. */
const LOOK_ANEW_MS = 500

/** A line of CLUSTER SLOTS: from, to, and the master as address, port and ID; its replicas follow. */
type Slots = readonly [from: number, to: number, master: readonly [address: string, port: number, id: string]]

/** What goes out to a node within a second: a signal and a timer for each command would cost too much. */
interface Window {
  /** Aborts two seconds after it was opened, and when the node's connection is lost. */
  readonly controller: AbortController
  readonly opened: number
  /** What has no answer yet. */
  readonly open: Set<{ readonly key: string }>
}

/** A client of `createCluster`, as a store calls it. */
export interface Cluster extends RedisClient {
  /** All masters, or none: a count without one of them would be wrong. @param prefix - What the store's keys begin with. */
  masters(prefix: string): Promise<readonly RedisServer[]>
  /** Calls back when a connection is lost. `all`: no master is connected. @returns What ends that. */
  onLoss(listener: (all: boolean) => void): () => void
}

/**
 * A client of `createCluster`, as a store calls it.
 *
 * It follows MOVED and ASK, and sends a command again for no other reason. But it keeps what is for a node that is away until
 * that comes back, however late, and `redis` 5 does not ask whether another node has taken its place.
 */
export function clusterOf(cluster: NodeRedisCluster): Cluster {
  const { _keyPrefix = '' } = cluster as { _keyPrefix?: string | Buffer }
  const keyPrefix = String(_keyPrefix)
  const events = new Listeners<ClientEvent>()
  const losses = new Set<(all: boolean) => void>()
  // A client with `minimizeConnections` connects to a node when that is first needed.
  const isReady = (): boolean =>
    cluster.isReady !== false && cluster.masters.some(({ client }) => !client || client.isReady)
  /** Since when a node is away, by its client. */
  const away = new WeakMap<NodeRedisClient, number>()
  /** When another node was last asked about one, by the client of this. */
  const lookedAt = new WeakMap<NodeRedisClient, number>()
  const watched = new WeakMap<NodeRedisClient, Unwritten>()
  /** The last of each node, and the last for nodes that are not known yet. */
  const windows = new WeakMap<object, Window>()
  let lastError: Error | undefined

  /** What a node's client has not written; its events are passed on from the first call on. */
  function watch(client: NodeRedisClient): Unwritten {
    const known = watched.get(client)
    if (known) return known
    const unwritten = new Unwritten(client)
    watched.set(client, unwritten)
    let isUp = client.isReady
    client.on('ready', () => {
      isUp = true
      away.delete(client)
      events.emit('ready')
    })
    client.on(errorMonitor, () => {
      if (!isUp || client.isReady) return
      isUp = false
      away.set(client, performance.now())
      windows.get(client)?.controller.abort()
      const all = !isReady()
      for (const lost of losses) lost(all)
    })
    return unwritten
  }

  /**
   * Has the client ask who the masters are, for one of a key that is away, or does not answer: another node answers MOVED for
   * that key.
   */
  function lookAnew(key: string): void {
    const now = performance.now()
    const { client } = cluster.slots[slotOf(key)]?.master ?? {}
    const others = cluster.masters.filter((node) => node.client?.isReady && node.client !== client)
    const other = others[Math.floor(Math.random() * others.length)]
    if (!client || !other || now - (lookedAt.get(client) ?? -Infinity) < LOOK_ANEW_MS) return
    lookedAt.set(client, now)
    const itsSlot = cluster.slots.findIndex((shard) => shard?.master === other)
    // Sent to the node of another key than it asks for.
    send(keyIn(itsSlot, ''), ['GETRANGE', key, '0', '0'], TEXT).catch(() => {})
  }

  /** What is thrown for a command that was not sent. */
  function neverSent(): Error {
    const reason = lastError?.message ?? 'it does not answer'
    return new Error(`The command was not sent, for its node of Redis is away: ${reason}`, { cause: lastError })
  }

  /** The client of a key's node, where it is known and connected, or was a moment ago. */
  function nodeOf(key: string): NodeRedisClient | undefined {
    const client = cluster.slots[slotOf(key)]?.master.client
    if (client === undefined) return undefined
    watch(client)
    if (client.isReady) return client
    const since = away.get(client) ?? performance.now()
    away.set(client, since)
    lookAnew(key)
    if (performance.now() - since > RECONNECT_MS) throw neverSent()
    return client
  }

  /** @param client - A node's; undefined: it is not known yet. */
  function windowNow(client: NodeRedisClient | undefined): Window {
    const now = performance.now()
    const last = windows.get(client ?? cluster)
    if (last && !last.controller.signal.aborted && now - last.opened < RECONNECT_MS) return last
    const controller = new AbortController()
    const open = new Set<{ readonly key: string }>()
    const close = (): void => {
      // What has not been sent by now is given up; a node that has not answered may have a successor.
      controller.abort()
      for (const { key } of open) lookAnew(key)
    }
    // A process that stood still first sends what it has queued.
    setTimeout(() => setImmediate(close), 2 * RECONNECT_MS).unref()
    const window = { controller, opened: now, open }
    windows.set(client ?? cluster, window)
    return window
  }

  /** Rejects when a signal aborts: the client waits for a connection that is being made, and heeds no signal meanwhile. */
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

  const own = [
    ['connect', () => events.emit('ready')],
    ['error', (error: Error) => void (lastError = error)],
    [
      'node-error',
      (error: Error) => {
        lastError = error
        events.emit(errorMonitor, error)
      },
    ],
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
    // Only its owner connects it.
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
        // The node that had it sends the client on, which then asks who has what.
        const key = keyIn(moved, keyPrefix + prefix)
        await send(key, ['GETRANGE', key, '0', '0'], TEXT)
      }
    },
  }

  /** A slot that is served by another master than the client knows. */
  function movedSlot(slots: readonly Slots[]): number | undefined {
    return slots.find(([from, , [, , id]]) => cluster.slots[from]?.master.id !== id)?.[0]
  }
}

const errorOf = (name: string): string | symbol => (name === 'error' ? errorMonitor : name)
