import { createSessions } from '@sess/core'
import type { Client } from 'memjs'
import { afterAll, describe, expect, test } from 'vitest'
import { startMemcached } from '@sess/test-servers'
import { asExpected, sum } from '@sess/core/adapter'
import { keptFor, newKey, newRecord, statistic } from '../test/fixture.ts'
import { clientOf } from '../test/client.ts'
import { Proxy } from '../test/proxy.ts'
import { memcachedStore, type MemcachedStoreOptions } from './index.ts'

const server = await startMemcached()
const small = await startMemcached(['-I', '64k', '-o', 'slab_chunk_max=32768', '-m', '2', '-M'])
const clients: Client[] = []
afterAll(async () => {
  for (const client of clients) client.close()
  await Promise.all([server.stop(), small.stop()])
})
const storeOn = (port: number, options?: MemcachedStoreOptions) => {
  const client = clientOf(port)
  clients.push(client)
  return memcachedStore(client, options)
}
const now = Date.now()

describe('the size of a record', () => {
  test('allows the largest payload with the longest key, the longest subject and all epochs', async () => {
    const prefix = 'p'.repeat(222)
    const store = storeOn(server.port, { prefix })
    const key = newKey()
    const subject = '\u{1F600}'.repeat(256)
    const record = newRecord(now, { subject, payload: Buffer.alloc(store.traits.maxPayloadBytes, 7) })
    expect(await store.create(key, record, now)).toBe(true)
    // Nobody finished these, so the record keeps their epochs.
    for (let i = 0; i < 10; i++) await sum(store.deleteSubject!({ id: subject, tag: key.tag }, now, key))
    const read = (await store.read(key, now))!
    expect(read.payload.length).toBe(1_048_576 - 2048)
    expect(await store.replace(key, read, { ...read, revision: 2 }, now)).toBe('replaced')
  })

  test('is checked before a request: a larger payload is not sent', async () => {
    await using proxy = await Proxy.start(server.port)
    const store = storeOn(proxy.port, { maxItemBytes: 10_000 })
    const large = newRecord(now, { payload: Buffer.alloc(10_000 - 2047) })
    const seen = newRecord(now)
    const refused = { code: 'too_large', message: expect.stringContaining('7952') }
    await expect(store.create(newKey(), large, now)).rejects.toMatchObject(refused)
    await expect(store.replace(newKey(), asExpected(seen), { ...large, revision: 2 }, now)).rejects.toMatchObject(
      refused,
    )
    expect(proxy.flights).toBe(0)
  })

  test('may be refused by the server: the error says so, and the stored record stays', async () => {
    const store = storeOn(small.port)
    const key = newKey()
    const record = newRecord(now)
    await store.create(key, record, now)
    const large = { ...record, revision: 2, payload: Buffer.alloc(100_000) }
    await expect(store.replace(key, asExpected(record), large, now)).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('-I'),
    })
    expect(await store.read(key, now)).toMatchObject({ revision: 1 })
  })

  test('may exceed the room of a server that does not evict: store_full, and stored records stay', async () => {
    const store = storeOn(small.port)
    const keys = Array.from({ length: 200 }, () => newKey())
    const codes = new Set<string | undefined>()
    let kept = 0
    for (const key of keys) {
      const made = await store
        .create(key, newRecord(now, { payload: Buffer.alloc(30_000) }), now)
        .catch(({ code }: { code: string }) => void codes.add(code))
      if (!made) continue
      kept++
      expect(await store.read(key, now)).toBeDefined()
    }
    expect([...codes]).toEqual(['store_full'])
    expect(kept).toBeGreaterThan(0)
  })
})

describe('the expiry of a record', () => {
  const second = 1000
  const day = 86_400 * second

  test.each([
    ['a second', second],
    ['a day', day],
    ['30 days less a minute', 30 * day - 60 * second],
    ['30 days', 30 * day],
    ['a year', 365 * day],
    ['past 2³¹ seconds since 1970', 2 ** 31 * second + day - now],
  ])('an item is kept a minute longer than a record that lives for %s', async (_, life) => {
    const store = storeOn(server.port)
    const key = newKey()
    const clocks = async (): Promise<number[]> => [Date.now() / second, await statistic(server.port, 'time')]
    const before = Math.min(...(await clocks()))
    await store.create(key, newRecord(now, { expiresAt: now + life }), now)
    const left = (await keptFor(server.port, `sess:${key.tag}${key.id}`))!
    const after = Math.max(...(await clocks()))
    // Memcached's clock ticks once a second, and an expiry is in whole seconds.
    expect(left).toBeGreaterThan(life / second + 60 - (after - before) - 3)
    expect(left).toBeLessThan(life / second + 60 + (after - before) + 3)
    expect(await store.read(key, now + life - 1)).toBeDefined()
    expect(await store.read(key, now + life)).toBeUndefined()
  })

  test('may lie past what the protocol can express: the server never removes the record, the store still expires it', async () => {
    const store = storeOn(server.port)
    const key = newKey()
    const end = 2 ** 32 * second
    await store.create(key, newRecord(now, { expiresAt: end }), now)
    expect(await keptFor(server.port, `sess:${key.tag}${key.id}`)).toBe(-1)
    expect(await store.read(key, end)).toBeUndefined()
  })

  test('follows core’s clock, whatever it shows', async () => {
    const store = storeOn(server.port)
    for (const then of [1, 2 ** 41]) {
      const key = newKey()
      await store.create(key, newRecord(then, { subject: 'ann' }), then)
      expect(await store.read(key, then + 59_999)).toBeDefined()
      expect(await store.read(key, then + 60_000)).toBeUndefined()
    }
  })
})

test('a server without CAS tokens is refused before anything is overwritten', async () => {
  const blind = await startMemcached(['-C'])
  try {
    const store = storeOn(blind.port)
    const key = newKey()
    const record = newRecord(now, { subject: 'ann' })
    await store.create(key, record, now)
    const unsupported = { code: 'unsupported', message: expect.stringContaining('-C') }
    await expect(store.read(key, now)).rejects.toMatchObject(unsupported)
    await expect(store.replace(key, asExpected(record), { ...record, revision: 2 }, now)).rejects.toMatchObject(
      unsupported,
    )
    await expect(sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now))).rejects.toMatchObject(unsupported)
    expect(await store.delete(key, now)).toBe(true)
  } finally {
    await blind.stop()
  }
})

describe('the options of the client', () => {
  test.each([
    { prefix: 'a b' },
    { prefix: 'é' },
    { prefix: 'x'.repeat(223) },
    { maxItemBytes: 1000 },
    { maxItemBytes: 5000.5 },
    { maxItemBytes: 2 ** 31 },
    { ttl: 5 } as MemcachedStoreOptions,
  ])('%j is refused by name', (options) => {
    expect(() => storeOn(server.port, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(Object.keys(options)[0]!) }),
    )
  })

  test('are refused if the client would ask another server when a server is down', () => {
    const client = clientOf(server.port)
    client.options.failover = true
    expect(() => memcachedStore(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(() => memcachedStore({} as Client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })

  test('require a pepper with several servers, since the tag chooses the server', () => {
    const store = memcachedStore(clientOf(server.port, small.port))
    expect(() => createSessions({ store })).toThrow(/pepper/)
    expect(createSessions({ store, pepper: 'p'.repeat(32) })).toBeDefined()
    expect(memcachedStore(clientOf(server.port)).traits.needsPepper).toBe(false)
  })
})
