import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { expect, test } from 'vitest'
import { redisStore as ioredisStore, type SingleRedisClient } from '@sess/redis'
import { redisClusterStore, redisStore, type NodeRedisClient, type NodeRedisCluster } from './index.ts'

const lazy = { lazyConnect: true }
const rootNodes = [{ socket: { port: 1 } }]
const sentinel = (): object => createSentinel({ name: 'master', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })

const refusal = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) as unknown })

test.each<[what: string, passed: () => unknown, message: RegExp]>([
  [
    'nothing',
    () => undefined,
    /client must be made by createClient\(\) or createSentinel\(\) of the package redis, and is undefined/,
  ],
  ['null', () => null, /and is null/],
  ['a URL', () => 'redis://127.0.0.1', /and is string/],
  ['options', () => ({ url: 'redis://127.0.0.1' }), /and is an object that is not a client/],
  ['a client in an object', () => ({ client: createClient() }), /an object around a client/],
  [
    'a client of ioredis',
    () => new Redis(lazy),
    /a client of ioredis: use @sess\/redis or @sess\/redis-cluster for it/,
  ],
  ['a Cluster of ioredis', () => new Cluster([{ port: 1 }], lazy), /a client of ioredis/],
  [
    'a pool',
    () => createClientPool(),
    /a pool: pass a client, for one connection carries the commands of all requests/,
  ],
  ['the legacy interface', () => createClient().legacy(), /legacy\(\) of a client: pass the client itself/],
  [
    'a client of version 4',
    () => ({ ...methods('sendCommand', 'on', 'off'), isReady: true }),
    /of `redis` 4: use `redis` 5 or 6/,
  ],
  ['a Cluster', () => createCluster({ rootNodes }), /for a Cluster use redisClusterStore of @sess\/node-redis/],
  ['a client that reads from a replica', () => createClient({ readonly: true }), /leave readonly out/],
])('%s is refused when the store is made, saying what to pass', (_, passed, message) => {
  expect(() => redisStore(passed() as NodeRedisClient)).toThrow(refusal(message))
})

test.each<[what: string, passed: () => unknown, message: RegExp]>([
  ['a client', () => createClient(), /made by createCluster\(\); for a client use redisStore of @sess\/node-redis/],
  ['a Sentinel', sentinel, /for a Sentinel use redisStore/],
  ['a Cluster of ioredis', () => new Cluster([{ port: 1 }], lazy), /@sess\/redis-cluster/],
  [
    'a Cluster that reads from replicas',
    () => createCluster({ rootNodes, useReplicas: true }),
    /leave useReplicas out/,
  ],
])('%s is refused where a Cluster is wanted', (_, passed, message) => {
  expect(() => redisClusterStore(passed() as NodeRedisCluster)).toThrow(refusal(message))
})

test.each([
  ['createClient', () => createClient()],
  ['createSentinel', sentinel],
  ['createCluster', () => createCluster({ rootNodes })],
])('@sess/redis refuses what %s makes, and names this package', (_, make) => {
  expect(() => ioredisStore(make() as SingleRedisClient)).toThrow(refusal(/@sess\/node-redis/))
})

/** An object with methods of these names. */
function methods(...names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, () => {}]))
}
