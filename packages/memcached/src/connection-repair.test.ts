import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'memjs'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { startMemcached } from '@sess/test-servers'
import { newKey, newRecord } from '../test/fixture.ts'
import { Proxy } from '../test/proxy.ts'
import { memcachedStore } from './index.ts'

/*
 * What memjs by itself gets wrong when connections break; each of these fails without connection-repair.ts.
 */

const server = await startMemcached()
afterAll(() => server.stop())

let proxy: Proxy
let opened: Client[] = []
beforeEach(async () => {
  proxy = await Proxy.start(server.port)
})
afterEach(async () => {
  for (const client of opened) client.close()
  opened = []
  await proxy[Symbol.asyncDispose]()
})

const clientOf = (options: object): Client => {
  const client = Client.create(`127.0.0.1:${proxy.port}`, { timeout: 5, logger: { log() {} }, ...options })
  opened.push(client)
  return client
}
const storeWith = (options: object = {}) => memcachedStore(clientOf(options))

const now = Date.now()
const ADD = 0x02
const down = { code: 'store_unavailable' }
const opcodesIn = (bytes: Buffer): number[] => {
  const opcodes: number[] = []
  for (let at = 0; at < bytes.length; at += 24 + bytes.readUInt32BE(at + 8)) opcodes.push(bytes[at + 1]!)
  return opcodes
}

test.each([1, 23, 24, 60, 100, 130])('a reply that is cut after %i bytes does not spoil the next', async (length) => {
  const store = storeWith()
  const [key, other] = [newKey(), newKey()]
  const payload = Buffer.alloc(100, 'x')
  await store.create(key, newRecord(now, { payload }), now)
  await store.create(other, newRecord(now, { payload: Buffer.alloc(100, 'y') }), now)
  proxy.onReplies = (bytes, client) => {
    client.write(bytes.subarray(0, length), () => client.resetAndDestroy())
  }
  const cut = store.read(other, now)
  await expect(cut).rejects.toMatchObject(down)
  proxy.onReplies = (bytes, client) => void client.write(bytes)
  // At once, and again once the old connection's end was noticed.
  for (let i = 0; i < 3; i++) {
    expect(Buffer.from((await store.read(key, now))!.payload)).toEqual(payload)
    await delay(5)
  }
})

test('a connection that the server closes rejects the calls that wait on it', async () => {
  const store = storeWith({ timeout: 60 })
  const key = newKey()
  await store.create(key, newRecord(now), now)
  proxy.onReplies = (bytes, client) => void client.end(bytes.subarray(0, 10))
  await expect(store.read(key, now)).rejects.toMatchObject(down)
  proxy.onReplies = (bytes, client) => void client.write(bytes)
  expect(await store.read(key, now)).toBeDefined()
})

test('a connection whose call timed out is closed, so that its late reply answers no other call', async () => {
  const store = storeWith({ timeout: 0.2 })
  const [key, other] = [newKey(), newKey()]
  await store.create(key, newRecord(now, { payload: Buffer.alloc(100, 'x') }), now)
  await store.create(other, newRecord(now, { payload: Buffer.alloc(100, 'y') }), now)
  proxy.keepsOpen = true
  let late = (): void => {}
  proxy.onReplies = (bytes, client) => {
    late = () => void client.write(bytes)
  }
  await expect(store.read(other, now)).rejects.toMatchObject(down)
  proxy.onReplies = (bytes, client) => {
    client.write(bytes.subarray(0, 50), () => {
      late()
      setTimeout(() => client.write(bytes.subarray(50)), 20)
    })
  }
  expect((await store.read(key, now))?.payload).toEqual(new Uint8Array(100).fill('x'.charCodeAt(0)))
})

test('a request that fails while its connection is being made is not sent on the next connection', async () => {
  const client = clientOf({ timeout: 0.2, conntimeout: 0.2, username: 'u', password: 'p' })
  const store = memcachedStore(client)
  const key = newKey()
  const arrived: number[] = []
  let answering = false
  // Answers for the server, which knows of no sign-in.
  proxy.onRequests = (bytes, to) => {
    const opcodes = opcodesIn(bytes)
    arrived.push(...opcodes)
    const signIn = opcodes[0] === 0x20 || opcodes[0] === 0x21
    if (signIn && answering) to.write(Buffer.concat([Buffer.from([0x81, opcodes[0]!]), Buffer.alloc(22)]))
    return !signIn
  }
  await expect(store.create(key, newRecord(now), now)).rejects.toMatchObject(down)
  answering = true
  expect(await store.read(key, now)).toBeUndefined()
  expect(arrived).not.toContain(ADD)
  expect(arrived.filter((opcode) => opcode === 0x21)).toHaveLength(1)
})

test('a reply that never ends times out, though bytes keep coming', async () => {
  const store = storeWith({ timeout: 0.2 })
  const key = newKey()
  await store.create(key, newRecord(now), now)
  proxy.onReplies = (bytes, client) => {
    bytes.writeUInt32BE(0x7f_ff_ff_ff, 8)
    client.write(bytes)
    const drip = setInterval(() => client.write('.'), 20)
    client.on('close', () => clearInterval(drip))
  }
  await expect(store.read(key, now)).rejects.toMatchObject(down)
  proxy.onReplies = (bytes, client) => void client.write(bytes)
  expect(await store.read(key, now)).toBeDefined()
})

test('a reply to another request is not accepted', async () => {
  const store = storeWith()
  const key = newKey()
  await store.create(key, newRecord(now), now)
  proxy.onReplies = (bytes, client) => {
    bytes[1] = 0x01
    client.write(bytes)
  }
  await expect(store.read(key, now)).rejects.toMatchObject({
    ...down,
    message: expect.stringContaining('another request'),
  })
  proxy.onReplies = (bytes, client) => void client.write(bytes)
  expect(await store.read(key, now)).toBeDefined()
})

test('a write whose answer is lost is sent once, whatever retries the client has, and its outcome is unknown', async () => {
  const store = storeWith({ retries: 5, retry_delay: 0.01 })
  await store.read(newKey(), now)
  let adds = 0
  proxy.onRequests = (bytes) => void (adds += opcodesIn(bytes).filter((opcode) => opcode === ADD).length)
  proxy.onReplies = (_, client) => void client.destroy()
  const key = newKey()
  await expect(store.create(key, newRecord(now), now)).rejects.toMatchObject({ code: 'unknown_outcome' })
  proxy.onReplies = (bytes, client) => void client.write(bytes)
  await delay(100)
  expect([adds, !!(await store.read(key, now))]).toEqual([1, true])
})

test('the application’s own calls on the client end too, with the right answers', async () => {
  const client = clientOf({ retries: 1, timeout: 60 })
  memcachedStore(client)
  await client.set('mine', 'value', {})
  proxy.onReplies = (bytes, to) => void to.end(bytes.subarray(0, 10))
  await expect(client.get('mine')).rejects.toThrow()
  proxy.onReplies = (bytes, to) => void to.write(bytes)
  expect(String((await client.get('mine')).value)).toBe('value')
})

test('the numbers of requests may pass 2³¹ and 2³²', async () => {
  const client = clientOf({})
  const store = memcachedStore(client)
  const key = newKey()
  for (const seq of [2 ** 31 - 3, -3]) {
    ;(client as { seq: number }).seq = seq
    await store.create(key, newRecord(now), now)
    for (let i = 0; i < 4; i++) expect(await store.read(key, now)).toBeDefined()
  }
})

test('with many readers and many lost connections, every answer is right or an error', async () => {
  const store = storeWith()
  const keys = Array.from({ length: 20 }, () => newKey())
  for (const [i, key] of keys.entries())
    await store.create(key, newRecord(now, { payload: Buffer.alloc(200 + i, i), subject: `user-${i}` }), now)
  let replies = 0
  proxy.onReplies = (bytes, client) => {
    if (++replies % 5 === 0) client.write(bytes.subarray(0, (replies * 37) % bytes.length), () => client.destroy())
    else client.write(bytes)
  }
  let errors = 0
  let right = 0
  const reader = async (i: number): Promise<void> => {
    for (let n = 0; n < 40; n++) {
      const read = await store.read(keys[i]!, now).catch((error: { code: string }) => {
        expect(error.code).toBe('store_unavailable')
        errors++
        return undefined
      })
      if (!read) continue
      right++
      expect([read.subject, Buffer.from(read.payload).equals(Buffer.alloc(200 + i, i))]).toEqual([`user-${i}`, true])
    }
  }
  await Promise.all(keys.map((_, i) => reader(i)))
  expect(right + errors).toBe(800)
  expect(Math.min(right, errors)).toBeGreaterThan(50)
})
