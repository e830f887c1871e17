import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { Client } from 'memjs'
import { startMemcached, type TestServer } from '@sess/test-servers'
import { sum } from '@sess/core/adapter'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newKey, newRecord, statistic } from '../test/fixture.ts'
import { Proxy } from '../test/proxy.ts'
import { use } from '../test/use.ts'
import { memcachedStore, type MemcachedClient } from './index.ts'

let servers: TestServer[]
const clients: Client[] = []
beforeAll(async () => {
  servers = [await startMemcached(), await startMemcached()]
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const now = Date.now()
const silent = { log() {} }
const addressOf = (...indices: number[]): string => indices.map((i) => `127.0.0.1:${servers[i]!.port}`).join()
const open = (addresses: string, options: object): Client => {
  const client = Client.create(addresses, { logger: silent, timeout: 5, ...options })
  clients.push(client)
  return client
}

type Options = NonNullable<Parameters<typeof Client.create>[1]>
/** The README's word, and values with which the store is to work, or to refuse the client. */
type Row = readonly [verdict: 'works' | 'refused', ...values: readonly object[]]

/** Every option of memjs, of which its types leave out two: a new one does not compile before it has been looked at. */
const ROWS: Record<keyof Options | 'keepAlive' | 'keepAliveDelay', Row> = {
  failover: ['refused', { failover: true }],
  failoverTime: ['works', { failoverTime: 1 }],
  retries: ['works', { retries: 0 }, { retries: 9 }],
  retry_delay: ['works', { retry_delay: 9 }],
  expires: ['works', { expires: 1 }],
  logger: ['works', { logger: console }],
  serializer: [
    'works',
    {
      serializer: {
        serialize: () => ({ value: 'not what was given', extras: Buffer.alloc(8) }),
        deserialize: () => ({ value: 'not what was stored', extras: '' }),
      },
    },
  ],
  // A server that wants no sign-in says so, and is used.
  username: ['works', { username: 'ann', password: 'secret' }],
  password: ['works', { username: 'ann', password: 'secret' }],
  timeout: ['works', { timeout: 10 }, { timeout: 0 }, { timeout: undefined }],
  conntimeout: ['works', { conntimeout: 10 }, { conntimeout: 0 }],
  keepAlive: ['works', { keepAlive: true }],
  keepAliveDelay: ['works', { keepAlive: true, keepAliveDelay: 1 }],
}
const cases = Object.entries(ROWS).flatMap(([option, [verdict, ...values]]) =>
  values.map((value) => [option, verdict, value] as const),
)

test.each(cases)('a client with %s %s: %j', async (_, verdict, value) => {
  const client = open(addressOf(0), value)
  if (verdict === 'works') await use(memcachedStore(client))
  else expect(() => memcachedStore(client)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})

test('a custom getServer chooses the server of a session, and a choice that is no server is an error', async () => {
  const client = open(addressOf(0, 1), {})
  const before = await statistic(servers[0]!.port, 'cmd_set')
  client.getServer = (() => 1) as never
  const store = memcachedStore(client)
  await use(store)
  expect(await statistic(servers[0]!.port, 'cmd_set')).toBe(before)
  client.getServer = (() => 7) as never
  await expect(store.create(newKey(), newRecord(now), now)).rejects.toMatchObject({ code: 'store_unavailable' })
})

describe('a server that requires authentication', () => {
  const LIST = 0x20
  const AUTH = 0x21
  const DENIED = 0x20
  const reply = (opcode: number, status: number, value = ''): Buffer => {
    const bytes = Buffer.alloc(24 + value.length)
    bytes.set([0x81, opcode])
    bytes.writeUInt16BE(status, 6)
    bytes.writeUInt32BE(value.length, 8)
    bytes.write(value, 24)
    return bytes
  }
  const given: string[] = []
  let proxy: Proxy
  beforeEach(async () => {
    given.length = 0
    proxy = await Proxy.start(servers[0]!.port)
    const signedIn = new Set<Socket>()
    // The sign-in of Memcached's protocol, in front of a server that runs without: SASL has to be set up on a machine.
    proxy.onRequests = (bytes, client) => {
      const opcode = bytes[1]!
      if (opcode === LIST) client.write(reply(LIST, 0, 'PLAIN'))
      else if (opcode === AUTH) {
        given.push(bytes.toString('latin1', 24))
        const isRight = given.at(-1) === 'PLAIN\0ann\0secret'
        if (isRight) signedIn.add(client)
        client.write(reply(AUTH, isRight ? 0 : DENIED))
      } else if (!signedIn.has(client)) client.write(reply(opcode, DENIED, 'Auth failure.'))
      else return true
      return false
    }
  })
  afterEach(() => proxy[Symbol.asyncDispose]())

  test.each([
    ['no', {}],
    ['a wrong', { username: 'ann', password: 'wrong' }],
  ])('tells a client with %s password what to do, and did nothing', async (_, options) => {
    const store = memcachedStore(open(`127.0.0.1:${proxy.port}`, options))
    const error = { code: 'configuration', message: expect.stringContaining('username and password') }
    const before = await statistic(servers[0]!.port, 'cmd_set')
    await expect(store.create(newKey(), newRecord(now), now)).rejects.toMatchObject(error)
    await expect(store.read(newKey(), now)).rejects.toMatchObject(error)
    await expect(store.delete(newKey(), now)).rejects.toMatchObject(error)
    await expect(sum(store.deleteSubject!({ id: 'ann', tag: newKey().tag }, now))).rejects.toMatchObject(error)
    expect(await statistic(servers[0]!.port, 'cmd_set')).toBe(before)
  })

  test('accepts the right password on each connection', async () => {
    const store = memcachedStore(open(`ann:secret@127.0.0.1:${proxy.port}`, {}))
    await use(store)
    for (const connection of proxy.clients) connection.destroy()
    const answers = (): Promise<boolean> =>
      store.read(newKey(), now).then(
        () => true,
        () => false,
      )
    await expect.poll(answers).toBe(true)
    await use(store)
    expect(given).toEqual(['PLAIN\0ann\0secret', 'PLAIN\0ann\0secret'])
  })
})

/** What a client of the package `memcached` shows. */
const ofAnotherPackage = { HashRing: {}, servers: ['127.0.0.1:11211'], get() {}, gets() {}, cas() {} }

test.each<[what: string, passed: () => unknown, message: string]>([
  ['nothing', () => undefined, 'and is undefined'],
  ['null', () => null, 'and is null'],
  ['a list of servers', () => '127.0.0.1:11211', 'and is text'],
  ['the class', () => Client, 'and is a class or a function'],
  ['the module', () => ({ Client }), 'and is the module memjs itself'],
  ['a promise', () => Promise.resolve(), 'and is a promise: await it'],
  ['options', () => ({ timeout: 1 }), 'and is an object that is not a client'],
  ['a client in an object', () => ({ client: open('localhost:1', {}) }), 'and is an object around a client'],
  ['a client of another package', () => ofAnotherPackage, 'and is a client of the package `memcached`'],
  ['a client without servers', () => new Client([], {}), 'and is a Client without servers'],
])('%s is refused when the store is made, saying what to pass', (_, passed, message) => {
  const make = (): unknown => memcachedStore(passed() as MemcachedClient)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(make).toThrow(/^client must be a Client of memjs, as from Client\.create\('10\.0\.0\.5:11211'\), and is /)
  expect(make).toThrow(message)
})

test.each<[what: string, addresses: string, options: object, message: RegExp]>([
  ['an IPv6 address, which memjs cuts', '[::1]:11211', {}, /IPv6/],
  ['a timeout of text', 'localhost:1', { timeout: '5' }, /a timeout that is not a number of seconds/],
  ['a conntimeout that is none', 'localhost:1', { conntimeout: NaN }, /a conntimeout that is not a number of seconds/],
])('a client with %s is refused', (_, addresses, options, message) => {
  expect(() => memcachedStore(open(addresses, options))).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) as unknown }),
  )
})

test('the table in the README has the verdict of every option that is tried here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /## Client options\n(.*?)\n## /s.exec(readme) ?? []
  const said = new Map<string, string>()
  for (const [, options = '', verdict = ''] of section.matchAll(/^\| (`[^|]+) +\| (works|refused)/gm))
    for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(Object.entries(ROWS).map(([option, [verdict]]) => [option, verdict])),
  )
})
