import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, type SessionKey } from '@sess/core'
import { Client } from 'memjs'
import { afterEach, expect, test } from 'vitest'
import { startMemcached, type TestServer } from '@sess/test-servers'
import { asExpected, sum, type ExpectedRecord } from '@sess/core/adapter'
import { newKey, newRecord, statistic } from '../test/fixture.ts'
import { clientOf } from '../test/client.ts'
import { memcachedStore } from './index.ts'

const now = Date.now()
const down = { code: 'store_unavailable' }
const running: (TestServer | Client)[] = []
afterEach(async () => {
  for (const it of running.splice(0)) await (it instanceof Client ? it.close() : it.stop())
})
const start = async (): Promise<TestServer> => {
  const server = await startMemcached()
  running.push(server)
  return server
}
const open = (...servers: TestServer[]): Client => {
  const client = clientOf(...servers.map(({ port }) => port))
  running.push(client)
  return client
}

test('two servers: tags are spread over both, and everything of a tag is on the same server', async () => {
  const [one, two] = [await start(), await start()]
  const store = memcachedStore(open(one, two))
  const keys = Array.from({ length: 400 }, () => newKey())
  for (const key of keys) await store.create(key, newRecord(now, { subject: 'ann' }), now)
  const counts = [await statistic(one.port, 'curr_items'), await statistic(two.port, 'curr_items')]
  expect(counts[0]! + counts[1]!).toBe(800)
  // 400 fair throws: closer to 200 than five times their deviation.
  expect(Math.abs(counts[0]! / 2 - 200)).toBeLessThan(50)
  expect(counts[0]! % 2).toBe(0)
})

test('one of two servers dies: only its sessions give errors; after its restart they are gone', async () => {
  const [one, two] = [await start(), await start()]
  const client = open(one, two)
  const store = memcachedStore(client)
  const keys = Array.from({ length: 20 }, () => newKey())
  for (const key of keys) await store.create(key, newRecord(now), now)
  const belongs = ({ tag }: SessionKey, { port }: TestServer): boolean => client.server(tag)!.port === port
  const [hers, others] = [keys.filter((key) => belongs(key, one)), keys.filter((key) => belongs(key, two))]
  expect(Math.min(hers.length, others.length)).toBeGreaterThan(0)

  await one.kill()
  for (const key of hers) {
    await expect(store.read(key, now)).rejects.toMatchObject(down)
    await expect(store.create(newKey(key.tag), newRecord(now, { subject: 'ann' }), now)).rejects.toMatchObject(down)
    await expect(store.delete(key, now)).rejects.toMatchObject(down)
    await expect(sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now))).rejects.toMatchObject(down)
  }
  for (const key of others) expect(await store.read(key, now)).toBeDefined()

  await one.restart()
  for (const key of hers) expect(await store.read(key, now)).toBeUndefined()
  for (const key of others) expect(await store.read(key, now)).toBeDefined()
})

test('a restart of the server ends every session, and the next sign-in works', async () => {
  const server = await start()
  const sessions = createSessions<{ n: number }>({ store: memcachedStore(open(server)) })
  const session = await sessions.load(undefined)
  const { cookieValue } = await session.login('ann')
  await server.kill()
  await expect(sessions.load(cookieValue)).rejects.toMatchObject(down)
  session.data.n = 1
  await expect(session.commit()).rejects.toMatchObject(down)
  await server.restart()
  expect((await session.commit()).status).toBe('gone')
  expect((await sessions.load(cookieValue)).status).toBe('new')
  const again = await (await sessions.load(undefined)).login('ann')
  expect((await sessions.load(again.cookieValue)).subject).toBe('ann')
})

test('a server that hangs gives errors, and answers again when it resumes', async () => {
  const server = await start()
  const client = Client.create(`127.0.0.1:${server.port}`, { timeout: 1, logger: { log() {} } })
  running.push(client)
  const store = memcachedStore(client)
  const key = newKey()
  const record = newRecord(now)
  await store.create(key, record, now)
  await server.pause()
  await expect(store.read(key, now)).rejects.toMatchObject(down)
  await expect(store.replace(key, asExpected(record), { ...record, revision: 2 }, now)).rejects.toMatchObject({
    code: expect.stringMatching('unknown_outcome|store_unavailable'),
  })
  server.resume()
  // The client may leave a server alone for a while that did not answer.
  let read: ExpectedRecord | undefined
  while (!read) read = await store.read(key, now).catch(() => delay(20, undefined))
  expect(read.revision).toBeLessThanOrEqual(2)
})
