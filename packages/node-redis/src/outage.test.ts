import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { sum } from '@sess/core/adapter'
import { freePort, startRedis, tap, type Tap, type TestServer } from '@sess/test-servers'
import { clientOf as ioredisOf, keyOf, recordOf, subject } from '../../redis/test/client.ts'
import { clientOf, type ClientOptions, type TestClient } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
let way: Tap
let client: TestClient
const other = { keys: async (): Promise<string[]> => [] }
beforeAll(async () => {
  server = await startRedis()
  const redis = ioredisOf(server.port)
  other.keys = async () => (await redis.keys('*')).filter((key) => !key.endsWith('@'))
  return async () => {
    redis.disconnect()
    await server.stop()
  }
})
beforeEach(async () => {
  way = await tap(server.port)
})
afterEach(async () => {
  if (client.isOpen) client.destroy()
  await way.stop()
})
afterAll(() => server.stop())

const open = (options: ClientOptions = {}): ReturnType<typeof redisStore> => {
  client = clientOf(way.port, options)
  return redisStore(client)
}

/** Matches the error of an outage: its message and its cause are the error of the connection. */
const outage = (words: RegExp): unknown =>
  expect.objectContaining({
    code: 'store_unavailable',
    message: expect.stringMatching(words) as unknown,
    cause: expect.objectContaining({
      cause: expect.objectContaining({ message: expect.stringMatching(words) as unknown }) as unknown,
    }) as unknown,
  })

/** Runs a call. @param limit - In ms. @returns The error of the call, and whether the call took longer than the limit. */
async function errorOf(call: () => Promise<unknown>, limit: number): Promise<{ error: unknown; late: boolean }> {
  const began = performance.now()
  const error = await call().then(
    (value) => ({ value }),
    (cause: unknown) => cause,
  )
  return { error, late: performance.now() - began > limit }
}

describe.each([5, 6] as const)('on redis %d a write is sent once', (major) => {
  test('a write that was applied, and whose reply is lost, has an unknown outcome, not "taken"', async () => {
    const store = open({ major })
    const key = keyOf()
    await store.create(key, recordOf(), Date.now())
    await store.delete(key, Date.now())
    way.mute = true
    const created = store.create(key, recordOf(), Date.now())
    created.catch(() => {})
    while (!(await other.keys()).some((name) => name.endsWith(key.id))) await delay(5)
    way.cut()
    way.mute = false
    await expect(created).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(await store.read(key, Date.now())).toMatchObject({ revision: 1 })
  })

  test('a write that never arrived is not applied later', async () => {
    const store = open({ major })
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
  })

  test('a write that waits to be sent when the connection is lost is not applied on the next connection', async () => {
    const store = open({ major })
    const [one, two] = [keyOf(), keyOf()]
    await store.create(one, recordOf(), Date.now())
    // The client sends nothing, as when its socket is full.
    const pause = client as unknown as { _pause(): void; _unpause(): void }
    pause['_pause']()
    const created = store.create(two, recordOf(), Date.now())
    created.catch(() => {})
    await delay(10)
    way.cut()
    await expect(created).rejects.toMatchObject({ code: 'unknown_outcome' })
    pause['_unpause']()
    expect(await store.read(one, Date.now())).toBeDefined()
    expect(await store.read(two, Date.now())).toBeUndefined()
  })

  test('a read whose reply is lost is retried', async () => {
    const store = open({ major })
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

describe.each([
  ['plain, redis 6', createClient, {}],
  ['plain, redis 5', createClient5, {}],
  ['with disableOfflineQueue', createClient, { disableOfflineQueue: true }],
  ['with a queue of two commands', createClient, { commandsQueueMaxLength: 30 }],
])('a server that is down, for a client that is %s', (_, create, options) => {
  test('delays only the first call, by at most a second, and gives the error of the connection; then the same client goes on', async () => {
    client = (create as typeof createClient)({
      ...options,
      socket: { port: server.port, host: '127.0.0.1' },
    }) as unknown as TestClient
    const refusals: string[] = []
    client.on('error', ({ message }: Error) => message.includes('ECONNREFUSED') && refusals.push(message))
    await client.connect()
    const store = redisStore(client)
    const now = Date.now()
    const key = keyOf()
    await store.create(key, recordOf(), now)
    onTestFinished(async () => {
      if (server.pid === undefined) await server.restart()
    })
    await server.kill()
    while (client.isReady) await delay(1)
    const calls = [
      () => store.read(key, now),
      () => store.create(keyOf(), recordOf(), now),
      () => store.delete(key, now),
      () => sum(store.deleteSubject!(subject, now)),
    ]
    for (const each of await Promise.all(calls.map((call) => errorOf(call, 2000))))
      expect(each).toEqual({ error: expect.objectContaining({ code: 'store_unavailable' }) as unknown, late: false })
    while (refusals.length === 0) await delay(5)
    for (const call of calls) expect(await errorOf(call, 500)).toEqual({ error: outage(/ECONNREFUSED/), late: false })
    await server.restart()
    while (!client.isReady) await delay(5)
    expect(await store.create(keyOf(), recordOf(), now)).toBe(true)
  })
})

test('a call that waits for a connection succeeds once the client is connected again', async () => {
  const store = open()
  await store.read(keyOf(), Date.now())
  // It waits for the event, because the client may be ready again before a check of `isReady`.
  const lost = new Promise((resolve) => client.once('reconnecting', resolve))
  way.cut()
  await lost
  expect(await store.create(keyOf(), recordOf(), Date.now())).toBe(true)
})

test('a client that was never connected gives an error that says so at once, and works once it is connected', async () => {
  client = createClient({ socket: { host: '127.0.0.1', port: server.port } }) as unknown as TestClient
  client.on('error', () => {})
  const store = redisStore(client)
  for (const call of [() => store.read(keyOf(), Date.now()), () => store.create(keyOf(), recordOf(), Date.now())])
    expect(await errorOf(call, 2500)).toEqual({
      error: expect.objectContaining({
        code: 'store_unavailable',
        message: expect.stringMatching(/the client is not open: await its connect\(\)/) as unknown,
      }) as unknown,
      late: false,
    })
  await client.connect()
  expect(await store.create(keyOf(), recordOf(), Date.now())).toBe(true)
  client.destroy()
  await expect(store.delete(keyOf(), Date.now())).rejects.toMatchObject({
    code: 'store_unavailable',
    message: expect.stringMatching(/not open/) as unknown,
  })
})

test('a call waits for the first connection, for a limited time', async () => {
  client = clientOf(await freePort())
  const store = redisStore(client)
  const { error, late } = await errorOf(() => store.read(keyOf(), Date.now()), 4500)
  expect([error, late]).toEqual([outage(/ECONNREFUSED/), false])
  expect((await errorOf(() => store.read(keyOf(), Date.now()), 500)).late).toBe(false)
})

test.each([
  ['6', createClient],
  ['5', createClient5],
])(
  'a client of redis %s that gave up reconnecting is an outage, with the error of the connection',
  async (_, create) => {
    client = (create as typeof createClient)({
      socket: { port: way.port, host: '127.0.0.1', reconnectStrategy: false },
    }) as unknown as TestClient
    client.on('error', () => {})
    await client.connect()
    const store = redisStore(client)
    await store.read(keyOf(), Date.now())
    way.cut()
    while (client.isReady) await delay(1)
    const { error, late } = await errorOf(() => store.delete(keyOf(), Date.now()), 500)
    expect([error, late]).toEqual([outage(/Socket closed unexpectedly/), false])
  },
)

test('a client that subscribes on RESP2 is refused with advice', async () => {
  client = clientOf(server.port, { RESP: 2 })
  const store = redisStore(client)
  await store.read(keyOf(), Date.now())
  await client.subscribe('news', () => {})
  for (const call of [() => store.read(keyOf(), Date.now()), () => store.delete(keyOf(), Date.now())])
    await expect(call()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/give the store a client of its own/) as unknown,
    })
})

test('close leaves the client connected and without listeners of the store', async () => {
  client = clientOf(way.port)
  const listening = (): number[] => ['ready', 'end', 'error'].map((event) => client.listenerCount(event))
  const before = listening()
  const store = redisStore(client)
  await store.read(keyOf(), Date.now())
  expect(listening()).not.toEqual(before)
  await store.close!()
  await store.close!()
  expect(listening()).toEqual(before)
  expect(await client.ping()).toBe('PONG')
  await expect(sum(store.count!(Date.now()))).rejects.toMatchObject({ code: 'store_unavailable' })
})
