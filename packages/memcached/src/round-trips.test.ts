import { createSessions } from '@sess/core'
import { afterAll, expect, test } from 'vitest'
import { startMemcached } from '@sess/test-servers'
import { asExpected, sum } from '@sess/core/adapter'
import { newKey, newRecord } from '../test/fixture.ts'
import { clientOf } from '../test/client.ts'
import { Proxy } from '../test/proxy.ts'
import { memcachedStore } from './index.ts'

const server = await startMemcached()
afterAll(() => server.stop())

test('the round trips counted at the socket equal those in the README', async () => {
  await using proxy = await Proxy.start(server.port)
  const store = memcachedStore(clientOf(proxy.port))
  const now = Date.now()
  const [key, other] = [newKey(), newKey()]
  const anonymous = newRecord(now)
  const anns = newRecord(now, { subject: 'ann' })
  const ann = { id: 'ann', tag: key.tag }

  expect(await proxy.during(() => store.create(other, anonymous, now))).toBe(1)
  expect(await proxy.during(() => store.create(key, anns, now))).toBe(2)
  expect(await proxy.during(() => store.create(newKey(key.tag), { ...anns }, now))).toBe(2)
  const read = (await store.read(key, now))!
  expect(await proxy.during(() => store.read(key, now))).toBe(1)
  const next = { ...read, revision: 2 }
  expect(await proxy.during(() => store.replace(key, read, next, now))).toBe(1)
  expect(await proxy.during(() => store.touch(key, asExpected(next), now + 90_000, now))).toBe(1)
  expect(await proxy.during(() => store.replace(key, asExpected(next), { ...next, revision: 3 }, now))).toBe(1)
  const copy = { ...next, revision: 3 } // not the object that was written
  expect(await proxy.during(() => store.replace(key, asExpected(copy), { ...copy, revision: 4 }, now))).toBe(2)
  // Past the time for which the epoch is kept.
  const late = (await store.read(key, now))!
  const days = now + 3 * 86_400_000
  expect(await proxy.during(() => store.replace(key, late, { ...late, revision: 5, expiresAt: days }, now))).toBe(3)
  expect(await proxy.during(() => sum(store.deleteSubject!(ann, now, key)))).toBe(3)
  expect(await proxy.during(() => sum(store.deleteSubject!(ann, now)))).toBe(2)
  expect(await proxy.during(() => store.delete(key, now))).toBe(1)
})

test('a touch between read and write costs the write one more read, and is no conflict', async () => {
  await using proxy = await Proxy.start(server.port)
  const [store, other] = [memcachedStore(clientOf(proxy.port)), memcachedStore(clientOf(server.port))]
  const now = Date.now()
  const key = newKey()
  await store.create(key, newRecord(now, { subject: 'ann' }), now)
  const seen = (await store.read(key, now))!
  await other.touch(key, (await other.read(key, now))!, now + 90_000, now)
  const written = { ...seen, revision: 2 }
  expect(await proxy.during(async () => expect(await store.replace(key, seen, written, now)).toBe('replaced'))).toBe(3)
  expect(await store.replace(key, seen, { ...seen, revision: 2 }, now)).toBe('conflict')
})

test('round trips of a request: one to read, two to write, four to sign in from an anonymous session', async () => {
  await using proxy = await Proxy.start(server.port)
  const store = memcachedStore(clientOf(proxy.port))
  await store.read(newKey(), 0) // connects
  const sessions = createSessions<{ n: number }>({ store })
  const session = await sessions.load(undefined)
  session.data.n = 1
  let cookie: string | undefined
  expect(await proxy.during(async () => ({ cookieValue: cookie } = await session.commit()))).toBe(1)
  expect(await proxy.during(() => sessions.load(cookie))).toBe(1)
  const write = async (): Promise<void> => {
    const loaded = await sessions.load(cookie)
    loaded.data.n = (loaded.data.n ?? 0) + 1
    await loaded.commit()
  }
  expect(await proxy.during(write)).toBe(2)
  const login = async (): Promise<void> => {
    ;({ cookieValue: cookie } = await (await sessions.load(cookie)).login('ann'))
  }
  expect(await proxy.during(login)).toBe(4)
  expect(await proxy.during(write)).toBe(2)
  const loginElsewhere = async () => (await sessions.load(undefined)).login('ann')
  expect(await proxy.during(loginElsewhere)).toBe(2)
  const leave = async () => (await sessions.load(cookie)).logout()
  expect(await proxy.during(leave)).toBe(2)
})
