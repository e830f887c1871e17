import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SELF_SIGNED, startRedis, startSentinels, type SentinelGroup, type TestServer } from '@sess/test-servers'
import { expectUntrusted, live } from '../test/tls.ts'
import { redisStore } from './index.ts'

const ca = { ca: SELF_SIGNED.cert }
let server: TestServer
let group: SentinelGroup
let client: Redis
beforeAll(async () => {
  server = await startRedis({}, true)
  group = await startSentinels(1, true)
})
afterEach(() => client.disconnect())
afterAll(async () => {
  await server.stop()
  await group.stop()
})

describe.each([
  ['6', Redis],
  ['5', Redis5 as unknown as typeof Redis],
])('ioredis %s', (_, Client) => {
  const clientOf = (options: RedisOptions): Redis => {
    client = new Client(options as never)
    client.on('error', () => {})
    return client
  }
  /** The options of the README, with these. */
  const sentinelsWith = (options: RedisOptions): RedisOptions => ({
    sentinels: group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    name: group.name,
    failoverDetector: true,
    socketTimeout: 3000,
    ...options,
  })

  test('one server', () => live(redisStore(clientOf({ port: server.port, tls: ca }))))

  test('one server whose certificate is not trusted', () =>
    expectUntrusted(redisStore(clientOf({ port: server.port, tls: {} }))))

  test('Sentinels, and the master behind them', () =>
    live(redisStore(clientOf(sentinelsWith({ tls: ca, sentinelTLS: ca, enableTLSForSentinelMode: true })))))

  test('Sentinels whose certificate is not trusted', () =>
    expectUntrusted(
      redisStore(clientOf(sentinelsWith({ tls: ca, sentinelTLS: {}, enableTLSForSentinelMode: true }))),
      /All sentinels are unreachable|failed to connect to sentinel/, // ioredis does not say why
    ))

  test('a master behind Sentinels whose certificate is not trusted', () =>
    expectUntrusted(redisStore(clientOf(sentinelsWith({ tls: {}, sentinelTLS: ca, enableTLSForSentinelMode: true })))))

  test('tls with Sentinels is refused without enableTLSForSentinelMode: ioredis would not use it', () => {
    const refusal = expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('enableTLS') })
    expect(() => redisStore(clientOf(sentinelsWith({ tls: ca, sentinelTLS: ca, lazyConnect: true })))).toThrow(refusal)
  })
})
