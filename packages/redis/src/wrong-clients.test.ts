import { EventEmitter } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { redisStore, type RedisStoreOptions, type SingleRedisClient } from './index.ts'

const clients: (Redis | Cluster)[] = []
const own = <Client extends Redis | Cluster>(client: Client): Client => {
  clients.push(client)
  return client
}
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})
const lazy = { lazyConnect: true }

/** What a client of the package `redis` shows: no class of ioredis has these. */
class NodeRedis extends EventEmitter {
  readonly isOpen = false
  sendCommand(): void {}
}

test.each<[what: string, passed: () => unknown, message: RegExp]>([
  ['nothing', () => undefined, /client must be a Redis of ioredis, as from new Redis\(…\), and is undefined/],
  ['null', () => null, /and is null/],
  ['a URL', () => 'redis://127.0.0.1', /and is string/],
  ['options', () => ({ url: 'redis://127.0.0.1' }), /and is an object that is not a client/],
  ['a client in an object', () => ({ client: own(new Redis(lazy)) }), /an object around a client/],
  [
    'a client of another package',
    () => new NodeRedis(),
    /a client of the package `redis`: use @sess\/node-redis for it/,
  ],
  [
    'a Cluster',
    () => own(new Cluster([{ port: 1 }], lazy)),
    /for a Cluster use redisClusterStore of @sess\/redis-cluster/,
  ],
  ['a client that monitors', () => own(new Redis({ ...lazy, monitor: true })), /monitor/],
  ['a client for reading', () => own(new Redis({ ...lazy, readOnly: true })), /readOnly/],
  ['a client of replicas', () => own(new Redis({ ...lazy, role: 'slave' })), /role/],
])('%s is refused when the store is made, saying what to pass', (_, passed, message) => {
  expect(() => redisStore(passed() as SingleRedisClient)).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) as unknown }),
  )
})

test('an unknown option is refused by name', () => {
  const store = (options: object) => redisStore(own(new Redis(lazy)), options as RedisStoreOptions)
  expect(() => store({ ttl: 5 })).toThrow(
    'ttl is no option of redisStore(): set idleTimeout and absoluteTimeout in createSessions()',
  )
  expect(() => store({ perfix: 'a:' })).toThrow(
    'perfix is no option of redisStore(): there are prefix, maxPayloadBytes, confirm',
  )
})

test('a client of Sentinels whose options make it stay with a hanging master causes one warning', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => warned.mockRestore())
  const sentinels = { ...lazy, sentinels: [{ port: 1 }], name: 'master' }
  redisStore(own(new Redis(lazy)))
  redisStore(own(new Redis({ ...sentinels, failoverDetector: true, socketTimeout: 3000 })))
  expect(warned).not.toHaveBeenCalled()
  const client = own(new Redis({ ...sentinels, socketTimeout: 3000 }))
  for (let i = 0; i < 2; i++) redisStore(client)
  expect(warned).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining('give it failoverDetector: true (see the README of @sess/redis)'),
    { type: 'SessWarning', code: 'SESS_REDIS_CLIENT' },
  )
})
