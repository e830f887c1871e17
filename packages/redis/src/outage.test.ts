import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, startRedis, type TestServer } from '@sess/test-servers'
import { sum } from '@sess/core/adapter'
import { keyOf, recordOf, subject } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())
afterEach(() => redis.disconnect())

const isReady = (): boolean => redis.status === 'ready'

/** Runs a call. @returns Its error, and whether it took longer than so many ms. */
async function errorOf(call: () => Promise<unknown>, limit: number): Promise<{ error: unknown; late: boolean }> {
  const began = performance.now()
  const error = await call().then(
    (value) => ({ value }),
    (cause: unknown) => cause,
  )
  return { error, late: performance.now() - began > limit }
}

/** An outage, whose message and cause are the connection's own error. */
const outage = (words: RegExp): unknown =>
  expect.objectContaining({
    code: 'store_unavailable',
    message: expect.stringMatching(words) as unknown,
    cause: expect.objectContaining({
      cause: expect.objectContaining({ message: expect.stringMatching(words) as unknown }) as unknown,
    }) as unknown,
  })

describe.each([
  ['plain', {}],
  ['with maxRetriesPerRequest: 1', { maxRetriesPerRequest: 1 }],
  ['with maxRetriesPerRequest: null', { maxRetriesPerRequest: null }],
  ['with enableOfflineQueue: false', { enableOfflineQueue: false }],
  ['with enableAutoPipelining', { enableAutoPipelining: true }],
  ['with autoResendUnfulfilledCommands: false', { autoResendUnfulfilledCommands: false }],
])('a server that is down, for a client that is %s', (_, options) => {
  test('delays only the first call, by at most a second, and gives the error of the connection; then the same client goes on', async () => {
    redis = new Redis(server.port, '127.0.0.1', options)
    const refusals: string[] = []
    redis.on('error', ({ message }) => message.includes('ECONNREFUSED') && refusals.push(message))
    await redis.ping().catch(() => new Promise((ready) => redis.once('ready', ready)))
    const store = redisStore(redis)
    const now = Date.now()
    const key = keyOf()
    await store.create(key, recordOf(), now)
    onTestFinished(async () => {
      if (server.pid === undefined) await server.restart()
    })
    await server.kill()
    while (isReady()) await delay(1)
    const calls = [
      () => store.read(key, now),
      () => store.create(keyOf(), recordOf(), now),
      () => store.delete(key, now),
      () => sum(store.deleteSubject!(subject, now)),
    ]
    const first = await Promise.all(calls.map((call) => errorOf(call, 2000)))
    for (const each of first)
      expect(each).toEqual({ error: expect.objectContaining({ code: 'store_unavailable' }) as unknown, late: false })
    while (refusals.length === 0) await delay(5)
    for (const call of calls) expect(await errorOf(call, 500)).toEqual({ error: outage(/ECONNREFUSED/), late: false })
    await server.restart()
    while (!isReady()) await delay(5)
    expect(await store.create(keyOf(), recordOf(), now)).toBe(true)
  })
})

test('a call that waits for a connection succeeds once the client is connected again', async () => {
  redis = new Redis({ port: server.port, retryStrategy: () => 100 })
  const store = redisStore(redis)
  await store.read(keyOf(), Date.now())
  redis.disconnect(true)
  while (isReady()) await delay(1)
  expect(await store.create(keyOf(), recordOf(), Date.now())).toBe(true)
})

test('a call waits for the first connection, for a limited time', async () => {
  redis = new Redis({ host: '127.0.0.1', port: await freePort(), retryStrategy: () => 50 })
  redis.on('error', () => {})
  const store = redisStore(redis)
  const { error, late } = await errorOf(() => store.read(keyOf(), Date.now()), 4500)
  expect([error, late]).toEqual([outage(/ECONNREFUSED/), false])
  expect((await errorOf(() => store.read(keyOf(), Date.now()), 500)).late).toBe(false)
})

test('the error names unreachable Sentinels as its cause', async () => {
  redis = new Redis({
    sentinels: [{ host: '127.0.0.1', port: await freePort() }],
    name: 'master',
    failoverDetector: true,
    socketTimeout: 3000,
  })
  redis.on('error', () => {})
  const store = redisStore(redis)
  expect((await errorOf(() => store.read(keyOf(), Date.now()), 4500)).error).toEqual(outage(/sentinel/i))
})

test('ioredis goes on printing an error that the application does not listen to', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => printed.mockRestore())
  redis = new Redis({ host: '127.0.0.1', port: await freePort(), retryStrategy: null })
  const store = redisStore(redis)
  expect((await errorOf(() => store.read(keyOf(), Date.now()), 4500)).error).toEqual(outage(/ECONNREFUSED/))
  expect(printed).toHaveBeenCalledWith('[ioredis] Unhandled error event:', expect.anything())
})

describe('a call that the client itself refuses was not sent and has no unknown outcome:', () => {
  test('a client that subscribes on RESP2', async () => {
    redis = new Redis({ port: server.port, protocol: 2 })
    const store = redisStore(redis)
    await redis.subscribe('news')
    for (const call of [() => store.read(keyOf(), Date.now()), () => store.delete(keyOf(), Date.now())])
      await expect(call()).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/subscriber mode.*give the store a client of its own/) as unknown,
      })
  })

  test('a client that does not queue commands', async () => {
    redis = new Redis({ port: server.port, enableOfflineQueue: false })
    await expect(redisStore(redis).delete(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('a client that has not yet noticed the end of its stream', async () => {
    redis = new Redis({ port: server.port, enableOfflineQueue: false })
    await new Promise((ready) => redis.once('ready', ready))
    const store = redisStore(redis)
    redis.stream.end()
    expect(redis.status).toBe('ready')
    await expect(store.delete(keyOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('a closed client', async () => {
    redis = new Redis({ port: server.port })
    const store = redisStore(redis)
    await store.read(keyOf(), Date.now())
    redis.disconnect()
    while ((redis.status as string) !== 'end') await delay(1)
    await expect(store.delete(keyOf(), Date.now())).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/status is end/) as unknown,
    })
  })
})
