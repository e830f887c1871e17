import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startRedis, tap, type Tap, type TestServer } from '@sess/test-servers'
import { clientOf, keyOf, recordOf } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
let way: Tap
beforeAll(async () => {
  server = await startRedis()
  way = await tap(server.port)
})
afterAll(async () => {
  await way.stop()
  await server.stop()
})

test('a reading request takes one round trip, a writing request two, a sign-in from an anonymous session three', async () => {
  const redis = clientOf(way.port)
  const sessions = createSessions<{ n: number }>({ store: redisStore(redis) })
  const first = await sessions.load(undefined)
  first.data.n = 1
  const { cookieValue } = await first.commit()
  const turns = async (act: () => Promise<unknown>): Promise<number> => {
    way.turns = 0
    await act()
    return way.turns
  }
  await (await sessions.load(cookieValue)).regenerate() // every script is known to the server
  const anonymous = await sessions.load(undefined)
  anonymous.data.n = 1
  const cookie = (await anonymous.commit()).cookieValue
  expect(await turns(async () => (await sessions.load(undefined)).commit())).toBe(0)
  expect(await turns(async () => (await sessions.load(cookie)).commit())).toBe(1)
  expect(await turns(async () => (await sessions.load(cookie)).update((data) => void data.n!++))).toBe(2)
  expect(await turns(async () => (await sessions.load(cookie)).login('ann'))).toBe(3)
  redis.disconnect()
})

test.each([
  ['plain', false],
  ['with auto-pipelining', true],
])('what is asked in one turn goes together, 24 at once, on a client that is %s', async (_, enableAutoPipelining) => {
  const now = Date.now()
  const redis = clientOf(way.port, { enableAutoPipelining })
  const store = redisStore(redis)
  const keys = Array.from({ length: 50 }, keyOf)
  // The server learns the scripts.
  await store.create(keyOf(), recordOf(), now)
  await Promise.all([store.read(keyOf(), now), store.read(keyOf(), now)])
  await redis.config('RESETSTAT')
  const created = await Promise.all(keys.map((key, n) => store.create(key, recordOf({ revision: n + 1 }), now)))
  const found = await Promise.all(keys.map((key) => store.read(key, now)))
  const calls = (await redis.info('commandstats')).matchAll(/cmdstat_evalsha:calls=(\d+)/g)
  expect([...calls].map(([, count]) => count)).toEqual(['6'])
  expect([created.every(Boolean), found.map((record) => record?.revision)]).toEqual([
    true,
    keys.map((_key, n) => n + 1),
  ])
  redis.disconnect()
})
