import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { startRedis, tap, type Tap, type TestServer } from '@sess/test-servers'
import { sum } from '@sess/core/adapter'
import { clientOf, keyOf, recordOf, subject, type ClientOptions } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
let way: Tap
let redis: Redis
let other: Redis
beforeAll(async () => {
  server = await startRedis()
  other = clientOf(server.port)
})
afterAll(async () => {
  other.disconnect()
  await server.stop()
})
beforeEach(async () => {
  await other.flushall()
  way = await tap(server.port)
})
afterEach(async () => {
  redis.disconnect()
  await way.stop()
})

const open = (options: ClientOptions = {}): ReturnType<typeof redisStore> => {
  redis = clientOf(way.port, options)
  return redisStore(redis)
}
const isReady = (): boolean => redis.status === 'ready'
const keys = async (): Promise<string[]> => (await other.keys('*')).filter((key) => !key.endsWith('@'))

describe.each([
  ['plain', {}],
  ['with auto-pipelining', { enableAutoPipelining: true }],
])('a write is sent once, on a client that is %s', (_, options) => {
  test('a write that was applied, and whose answer is lost, has an unknown outcome, not "taken"', async () => {
    const store = open(options)
    const key = keyOf()
    await store.create(key, recordOf(), Date.now())
    await store.delete(key, Date.now())
    way.mute = true
    const created = store.create(key, recordOf(), Date.now())
    created.catch(() => {})
    while ((await keys()).length === 0) await delay(5)
    way.cut()
    way.mute = false
    await expect(created).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(await store.read(key, Date.now())).toMatchObject({ revision: 1 })
  })

  test('a write that never arrived is not applied later', async () => {
    const store = open(options)
    const key = keyOf()
    await store.read(key, Date.now())
    way.deaf = true
    const { writes } = way
    const created = store.create(key, recordOf(), Date.now())
    created.catch(() => {})
    while (way.writes === writes) await delay(5)
    way.cut()
    way.deaf = false
    await expect(created).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(await store.read(key, Date.now())).toBeUndefined()
    expect(await keys()).toEqual([])
  })

  test('a read whose answer is lost is retried', async () => {
    const store = open(options)
    const key = keyOf()
    await store.create(key, recordOf(), Date.now())
    way.mute = true
    const read = store.read(key, Date.now())
    await delay(20)
    way.cut()
    way.mute = false
    expect(await read).toMatchObject({ revision: 1 })
  })
})

test('a revocation without a connection is refused, and is not applied once the client is connected again', async () => {
  const store = open({ maxRetriesPerRequest: 1 })
  await store.create(keyOf(), recordOf({ subject: 'ann' }), Date.now())
  way.closed = true
  way.cut()
  while (isReady()) await delay(5)
  await expect(sum(store.deleteSubject!(subject, Date.now()))).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(store.delete(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
  way.closed = false
  while (!isReady()) await delay(5)
  expect(await store.read(keyOf(), Date.now())).toBeUndefined()
  expect((await keys()).length).toBe(1)
})

test('a write waits for a connection that is being made, or that the client makes for the write', async () => {
  for (const options of [{}, { lazyConnect: true }]) {
    const store = open(options)
    expect(redis.status).not.toBe('ready')
    expect(await store.create(keyOf(), recordOf(), Date.now())).toBe(true)
    redis.disconnect()
  }
})

test('a call does not wait for a client that does not queue commands', async () => {
  const store = open({ enableOfflineQueue: false })
  await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('a closed client gives store_unavailable, not missing sessions', async () => {
  const store = open()
  await store.read(keyOf(), Date.now())
  redis.disconnect()
  while (redis.status !== 'end') await delay(5)
  await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('close leaves the client connected and without listeners of the store', async () => {
  redis = clientOf(way.port)
  const listening = (): number[] =>
    ['ready', 'close', 'end', 'error', 'sentinelError'].map((event) => redis.listenerCount(event))
  const before = listening()
  const store = redisStore(redis)
  await store.read(keyOf(), Date.now())
  expect(listening()).not.toEqual(before)
  await store.close!()
  await store.close!()
  expect(listening()).toEqual(before)
  expect(await redis.ping()).toBe('PONG')
  await expect(sum(store.count!(Date.now()))).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(sum(store.deleteSubject!(subject, Date.now()))).rejects.toMatchObject({ code: 'store_unavailable' })
})
