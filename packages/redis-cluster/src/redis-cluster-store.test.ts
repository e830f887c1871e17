import { setTimeout as delay } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSessions, type SessionStore } from '@sess/core'
import { startRedisCluster, type RedisCluster } from '@sess/test-servers'
import { waitReplicas } from '@sess/redis'
import { sum } from '@sess/core/adapter'
import { keyOf, recordOf, subject } from '../../redis/test/client.ts'
import { clusterOf } from '../test/client.ts'
import { redisClusterStore, type RedisClusterClient } from './index.ts'

let servers: RedisCluster
let cluster: Cluster
let store: SessionStore
beforeAll(async () => {
  servers = await startRedisCluster(3)
  cluster = clusterOf(servers.nodes.map(({ port }) => port))
  store = redisClusterStore(cluster)
})
afterAll(async () => {
  cluster.disconnect()
  await servers.stop()
})
beforeEach(async () => {
  await cluster.getBuffer('a')
  await Promise.all(cluster.nodes('master').map((node) => node.flushall()))
})

const seventyTwoBits = (i: number): string => String(i).padStart(12, 'x')

describe('options', () => {
  const none = [{ host: '127.0.0.1', port: 1 }]
  const lazy = { lazyConnect: true }
  test.each<[what: string, client: () => Cluster | Redis, message: RegExp]>([
    ['a Redis', () => new Redis(lazy), /for a Redis use redisStore of @sess\/redis/],
    ['one that reads from replicas', () => new Cluster(none, { ...lazy, scaleReads: 'slave' }), /scaleReads/],
    ['one that chooses', () => new Cluster(none, { ...lazy, scaleReads: (nodes: Redis[]) => nodes }), /scaleReads/],
    ['one whose prefix has braces', () => new Cluster(none, { ...lazy, keyPrefix: '{a}' }), /prefix/],
    ['one that monitors', () => new Cluster(none, { ...lazy, redisOptions: { monitor: true } }), /monitor/],
    [
      'one that drops what a node has not answered',
      () =>
        new Cluster(none, {
          ...lazy,
          clusterNodeRetryStrategy: () => 100,
          redisOptions: { autoResendUnfulfilledCommands: false },
        }),
      /autoResendUnfulfilledCommands/,
    ],
  ])('%s is refused when the store is made', (_, client, message) => {
    expect(() => redisClusterStore(client() as unknown as RedisClusterClient)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) as unknown }),
    )
  })

  test('a client whose options make it stay with a hanging master causes one warning', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const redisOptions = { socketTimeout: 3000 }
    redisClusterStore(new Cluster(none, { ...lazy, slotsRefreshInterval: 2000, redisOptions }))
    expect(warned).not.toHaveBeenCalled()
    const client = new Cluster(none, { ...lazy, redisOptions })
    for (let i = 0; i < 2; i++) redisClusterStore(client)
    expect(warned).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining('give it slotsRefreshInterval: 2000 (see the README of @sess/redis-cluster)'),
      { type: 'SessWarning', code: 'SESS_REDIS_CLIENT' },
    )
  })

  test('core requires a pepper, because the tag chooses the shard', () => {
    expect(() => createSessions({ store })).toThrow(/pepper/)
    expect(createSessions({ store, pepper: 'sixteen bytes or more' })).toBeDefined()
  })
})

test('a subject’s sessions and their index are in one slot, and subjects are spread over slots', async () => {
  for (let i = 0; i < 30; i++)
    for (let j = 0; j < 3; j++)
      await store.create({ ...keyOf(), tag: seventyTwoBits(i) }, recordOf({ subject: `user-${i}` }), Date.now())
  const keys = (await Promise.all(cluster.nodes('master').map((node) => node.keys('*')))).flat()
  const slots = new Map<string, Set<number>>()
  for (const key of keys) {
    const [tag] = /\{.{12}\}/.exec(key)!
    slots.set(tag, (slots.get(tag) ?? new Set()).add(await cluster.cluster('KEYSLOT', key)))
  }
  expect(keys.length).toBe(30 * 4)
  expect([...slots.values()].map(({ size }) => size)).toEqual(Array.from({ length: 30 }, () => 1))
  expect(new Set([...slots.values()].map(([slot]) => slot)).size).toBeGreaterThan(20)
  expect(await sum(store.count!(Date.now()))).toBe(90)
})

test('count asks all masters, waits for a client that connects, and rejects if a master is missing', async () => {
  const other = redisClusterStore(cluster)
  for (let i = 0; i < 50; i++) await other.create({ ...keyOf(), tag: seventyTwoBits(i) }, recordOf(), Date.now())
  const late = clusterOf(
    servers.nodes.map(({ port }) => port),
    { lazyConnect: true },
  )
  const lazy = redisClusterStore(late)
  expect(await sum(lazy.count!(Date.now()))).toBe(50)
  late.nodes('master')[0]!.disconnect()
  while (late.nodes('master').length === 3) await delay(5)
  await expect(sum(lazy.count!(Date.now()))).rejects.toMatchObject({ code: 'store_unavailable' })
  late.disconnect()
})

test('all keys begin with the keyPrefix of the cluster', async () => {
  const prefixed = clusterOf(
    servers.nodes.map(({ port }) => port),
    { keyPrefix: 'app:' },
  )
  const own = redisClusterStore(prefixed)
  const key = keyOf()
  await own.create(key, recordOf({ subject: 'ann' }), Date.now())
  const keys = (await Promise.all(cluster.nodes('master').map((node) => node.keys('*')))).flat()
  expect(keys.toSorted()).toEqual([`app:sess:{${key.tag}}${key.id}`, `app:sess:{${key.tag}}@`])
  expect(await sum(own.count!(Date.now()))).toBe(1)
  expect(await sum(own.deleteSubject!(subject, Date.now()))).toBe(1)
  prefixed.disconnect()
})

test.each([false, true])(
  'a write whose connection is lost is not retried; auto-pipelining: %j',
  async (enableAutoPipelining) => {
    const client = clusterOf(
      servers.nodes.map(({ port }) => port),
      { enableAutoPipelining },
    )
    const mine = redisClusterStore(client)
    const key = keyOf()
    await mine.create(key, recordOf(), Date.now())
    const master = await connectionTo(client, key.tag)
    const server = servers.nodes.find(({ port }) => port === master.options.port)!
    await server.pause()
    const { bytesWritten } = master.stream
    const deleted = mine.delete(key, Date.now())
    deleted.catch(() => {})
    while (master.stream.bytesWritten === bytesWritten) await delay(5)
    master.stream.destroy()
    server.resume()
    await expect(deleted).rejects.toMatchObject({ code: 'unknown_outcome' })
    client.disconnect()
  },
)

describe('slots have moved, and the client learns it late, with auto-pipelining', () => {
  /** What ioredis knows of slots: the nodes of each, and the slots that one group of commands may have. */
  interface Known {
    slots: string[][]
    _groupsBySlot: number[]
  }

  /**
   * Two keys on two nodes, and deletions of both that ioredis has put into a group, because its list of slots is old.
   *
   * @param of - The part of the list that is old.
   */
  async function grouped(...of: readonly (keyof Known)[]) {
    const client = clusterOf(
      servers.nodes.map(({ port }) => port),
      { enableAutoPipelining: true },
    )
    onTestFinished(() => client.disconnect())
    const known = client as unknown as Known
    const mine = redisClusterStore(client)
    const keys = Array.from({ length: 50 }, (_, i) => ({ ...keyOf(), tag: seventyTwoBits(i) }))
    const slots = await Promise.all(keys.map(({ tag }) => client.cluster('KEYSLOT', `{${tag}}`)))
    const nodeOf = (slot: number | undefined): string => known.slots[slot!]![0]!
    const other = slots.findIndex((slot) => nodeOf(slot) !== nodeOf(slots[0]))
    const two = [keys[0]!, keys[other]!]
    for (const key of two) await mine.create(key, recordOf(), Date.now())
    const [here, there] = [slots[0]!, slots[other]!]
    const right = known.slots[there]!
    for (const part of of) known[part][there] = known[part][here] as never
    const deleted = Promise.all(two.map((key) => mine.delete(key, Date.now())))
    while (client.autoPipelineQueueSize < 2) await Promise.resolve()
    return { deleted, learn: () => (known.slots[there] = right) }
  }

  test('before a group is sent: ioredis refuses the group, and the store sends its commands again', async () => {
    const { deleted, learn } = await grouped('slots')
    learn()
    expect(await deleted).toEqual([true, true])
  })

  test('while ioredis has the slot’s node, and not yet the new groups: the store sends again until it has', async () => {
    const { deleted, learn } = await grouped('slots')
    await delay(50)
    learn()
    expect(await deleted).toEqual([true, true])
  })

  test('when a node redirects a command of a group: the store sends the command again', async () => {
    const { deleted } = await grouped('slots', '_groupsBySlot')
    expect(await deleted).toEqual([true, true])
  })
})

test('a revocation can wait until its master has replicated it', async () => {
  const waiting = redisClusterStore(cluster, { confirm: waitReplicas(1, 5000) })
  for (let i = 0; i < 20; i++) {
    const tag = seventyTwoBits(i)
    await waiting.create({ ...keyOf(), tag }, recordOf({ subject: 'ann' }), Date.now())
    expect(await sum(waiting.deleteSubject!({ id: 'ann', tag }, Date.now()))).toBe(1)
  }
  await expect(
    redisClusterStore(cluster, { confirm: waitReplicas(2, 20) }).delete(keyOf(), Date.now()),
  ).rejects.toMatchObject({ code: 'unknown_outcome' })
})

test('close removes the store’s listeners', async () => {
  const before = cluster.nodes('all').map((node) => node.listenerCount('close'))
  const listening = cluster.listenerCount('+node')
  const closing = redisClusterStore(cluster)
  await closing.close!()
  expect(cluster.nodes('all').map((node) => node.listenerCount('close'))).toEqual(before)
  expect(cluster.listenerCount('+node')).toBe(listening)
  await expect(closing.read(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
})

/** The client's connection to the master that holds a tag. */
async function connectionTo(client: Cluster, tag: string): Promise<Redis> {
  const slot = await client.cluster('KEYSLOT', `{${tag}}`)
  const slots = await client.cluster('SLOTS')
  const [, , master] = slots.find(([from, to]) => from <= slot && slot <= to)!
  const port = master?.[1]
  return client.nodes('master').find((node) => node.options.port === port)!
}
