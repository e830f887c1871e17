import { createSessions } from '@sess/core'
import type { Client } from 'memjs'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { startMemcached } from '@sess/test-servers'
import { asExpected, sum, type ExpectedRecord } from '@sess/core/adapter'
import { command, keptFor, newKey, newRecord, twoKeys } from '../test/fixture.ts'
import { clientOf } from '../test/client.ts'
import { Proxy } from '../test/proxy.ts'
import { memcachedStore } from './index.ts'

const server = await startMemcached()
const proxy = await Proxy.start(server.port)
const clients: Client[] = []
const storeOn = (port: number) => {
  const client = clientOf(port)
  clients.push(client)
  return memcachedStore(client)
}
const store = storeOn(server.port)
/** Another process's, whose requests a test may hold up. */
const slow = storeOn(proxy.port)
afterAll(async () => {
  for (const client of clients) client.close()
  await proxy[Symbol.asyncDispose]()
  await server.stop()
})
beforeEach(() => {
  proxy.onRequests = () => {}
  proxy.onReplies = (bytes, client) => void client.write(bytes)
})

const now = Date.now()
const ann = (tag: string) => ({ id: 'ann', tag })
const annsRecord = newRecord(now, { subject: 'ann' })
const REPLACE = 0x03
const ADD = 0x02

/** Does something else before requests that begin with this one are passed on, the nth time. */
function before(opcode: number, task: () => Promise<unknown>, nth = 1): void {
  let times = 0
  proxy.onRequests = async (bytes) => {
    for (let at = 0; at < bytes.length; at += 24 + bytes.readUInt32BE(at + 8))
      if (bytes[at + 1] === opcode && ++times === nth) await task()
  }
}

describe('a revocation', () => {
  test('replaces the epoch instead of removing it: an older record stays dead after the next sign-in', async () => {
    const [old, next] = twoKeys()
    await store.create(old, annsRecord, now)
    await sum(store.deleteSubject!(ann(old.tag), now))
    await store.create(next, { ...annsRecord }, now)
    expect(await store.read(old, now)).toBeUndefined()
    expect(await store.read(next, now)).toMatchObject({ subject: 'ann' })
  })

  test('still holds when the epochs are evicted: without them all sessions of the tag end', async () => {
    const key = newKey()
    await store.create(key, annsRecord, now)
    await command(server.port, `md sess:${key.tag}@`)
    expect(await store.read(key, now)).toBeUndefined()
    const next = newKey(key.tag)
    await store.create(next, { ...annsRecord }, now)
    expect(await store.read(key, now)).toBeUndefined()
    expect(await store.read(next, now)).toBeDefined()
  })

  test('ends a sign-in that was sent before it with the old epoch', async () => {
    const [first, key] = twoKeys()
    await store.create(first, annsRecord, now)
    // Between the epoch and the record, which is the second add; nobody is there to see what became of it.
    before(ADD, () => sum(store.deleteSubject!(ann(key.tag), now)), 2)
    proxy.onReplies = (bytes, client) => (bytes[1] === ADD && bytes[7] === 0 ? client.destroy() : client.write(bytes))
    await expect(slow.create(key, { ...annsRecord }, now)).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(await command(server.port, `mg sess:${key.tag}${key.id}`)).toMatch(/^HD/)
    expect([await store.read(first, now), await store.read(key, now)]).toEqual([undefined, undefined])
  })

  test('ends the sessions that existed before it; a sign-in at the same time takes the new epoch', async () => {
    const [first, key] = twoKeys()
    await store.create(first, annsRecord, now)
    before(ADD, () => sum(store.deleteSubject!(ann(key.tag), now)), 2)
    expect(await slow.create(key, { ...annsRecord }, now)).toBe(true)
    expect([await store.read(first, now), !!(await store.read(key, now))]).toEqual([undefined, true])
  })

  test('makes room for a new record under the same key, which stays alive', async () => {
    const key = newKey()
    await store.create(key, annsRecord, now)
    // After the epoch was asked for, and before the record is found to be dead.
    before(ADD, () => sum(store.deleteSubject!(ann(key.tag), now)), 2)
    const next = { ...annsRecord, payload: Buffer.from('next') }
    expect(await slow.create(key, next, now)).toBe(true)
    expect(Buffer.from((await store.read(key, now))!.payload).toString()).toBe('next')
    expect(await store.create(key, annsRecord, now)).toBe(false)
  })

  test('wins over a replace and a touch whose CAS token is still valid', async () => {
    for (const write of [
      (key: ReturnType<typeof newKey>, seen: ExpectedRecord) => slow.replace(key, seen, { ...seen, revision: 2 }, now),
      (key: ReturnType<typeof newKey>, seen: ExpectedRecord) => slow.touch(key, seen, now + 90_000, now),
    ]) {
      const key = newKey()
      await store.create(key, annsRecord, now)
      const seen = (await slow.read(key, now))!
      before(REPLACE, () => sum(store.deleteSubject!(ann(key.tag), now)))
      expect(await write(key, seen)).toBe('missing')
      expect(await store.read(key, now)).toBeUndefined()
    }
  })

  test('never ends the spared session, not even for a moment', async () => {
    const [here, there] = twoKeys()
    for (const key of [here, there]) await store.create(key, { ...annsRecord }, now)
    const seen: unknown[] = []
    proxy.onRequests = async () => void seen.push((await store.read(here, now)) !== undefined)
    await sum(slow.deleteSubject!(ann(here.tag), now, here))
    expect(seen).toEqual([true, true, true])
    expect([!!(await store.read(here, now)), await store.read(there, now)]).toEqual([true, undefined])
  })

  test('lets a write of the spared session succeed that was under way', async () => {
    for (const nth of [1, 2]) {
      const key = newKey()
      await store.create(key, { ...annsRecord }, now)
      const seen = (await store.read(key, now))!
      const next = { ...seen, revision: 2 }
      before(REPLACE, async () => expect(await store.replace(key, seen, next, now)).toBe('replaced'), nth)
      await sum(slow.deleteSubject!(ann(key.tag), now, key))
      expect(await store.read(key, now)).toMatchObject({ revision: 2 })
      expect(await store.replace(key, asExpected(next), { ...next, revision: 3 }, now)).toBe('replaced')
    }
    const key = newKey()
    await store.create(key, { ...annsRecord }, now)
    const seen = (await slow.read(key, now))!
    before(REPLACE, () => sum(store.deleteSubject!(ann(key.tag), now, key)))
    expect(await slow.replace(key, seen, { ...seen, revision: 2 }, now)).toBe('replaced')
    expect(await store.read(key, now)).toMatchObject({ revision: 2 })
  })

  test('at the same time as another that spares a different session ends both sessions', async () => {
    const [one, two] = twoKeys()
    for (const key of [one, two]) await store.create(key, { ...annsRecord }, now)
    // Once the other session has been told of the epoch to come.
    before(REPLACE, () => sum(store.deleteSubject!(ann(one.tag), now, one)), 2)
    await sum(slow.deleteSubject!(ann(two.tag), now, two))
    expect([await store.read(one, now), await store.read(two, now)]).toEqual([undefined, undefined])
  })

  test('at the same time as seven others that spare the same session leaves that session alive', async () => {
    const [here, there] = twoKeys()
    for (const key of [here, there]) await store.create(key, { ...annsRecord }, now)
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => sum([store, slow][i % 2]!.deleteSubject!(ann(here.tag), now, here))),
    )
    expect([!!(await store.read(here, now)), await store.read(there, now)]).toEqual([true, undefined])
    for (let i = 0; i < 40; i++) await sum(store.deleteSubject!(ann(here.tag), now, here))
    expect(await store.read(here, now)).toBeDefined()
  })

  test('leaves another subject under the same tag signed in, whoever signs in meanwhile', async () => {
    const [anns, bobs] = twoKeys()
    await store.create(anns, annsRecord, now)
    before(REPLACE, () => store.create(bobs, newRecord(now, { subject: 'bob' }), now))
    await sum(slow.deleteSubject!(ann(anns.tag), now))
    expect([await store.read(anns, now), !!(await store.read(bobs, now))]).toEqual([undefined, true])
    await sum(store.deleteSubject!(ann(anns.tag), now, bobs))
    expect(await store.read(bobs, now)).toBeDefined()
  })
})

test('an epoch is kept longer than any session that needs it, and the expiry of its table is extended in time', async () => {
  const key = newKey()
  const table = `sess:${key.tag}@`
  const day = 86_400_000
  const long = newRecord(now, { subject: 'ann', expiresAt: now + 10 * day })
  await store.create(key, long, now)
  expect(await keptFor(server.port, table)).toBeGreaterThan((20 * day) / 1000)
  const later = now + 25 * day
  const next = { ...long, revision: 2, expiresAt: later }
  expect(await store.replace(key, asExpected(long), next, now)).toBe('replaced')
  expect(await keptFor(server.port, table)).toBeGreaterThan((49 * day) / 1000)
  expect(await store.touch(key, asExpected(next), later + 40 * day, now)).toBe('touched')
  expect(await keptFor(server.port, table)).toBeGreaterThan((100 * day) / 1000)
  expect(await store.read(key, now)).toMatchObject({ revision: 2, expiresAt: later + 40 * day })
})

test('revokeSubject signs out all other devices, and the current session goes on', async () => {
  const sessions = createSessions<{ n: number }>({ store })
  const [here, there] = [await sessions.load(undefined), await sessions.load(undefined)]
  const { cookieValue } = await here.login('ann')
  const elsewhere = (await there.login('ann')).cookieValue
  await sessions.revokeSubject('ann', { except: here })
  expect((await sessions.load(elsewhere)).subject).toBeUndefined()
  await here.update((data) => void (data.n = 1))
  expect(await sessions.load(cookieValue)).toMatchObject({ subject: 'ann', data: { n: 1 } })
  there.data.n = 2
  expect((await there.commit()).status).toBe('gone')
})
