import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { encodeRecord } from '@sess/core/adapter'
import { startRedis, tap, type TestServer } from '@sess/test-servers'
import { asExpected, sum } from '@sess/core/adapter'
import { clientOf, keyOf, recordOf, subject } from '../test/client.ts'
import { redisStore, waitReplicas } from './index.ts'

const index = `sess:{${subject.tag}}@`
let server: TestServer
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = clientOf(server.port)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(() => redis.flushall())

async function idsOf(store: ReturnType<typeof redisStore>): Promise<string[]> {
  const ids: string[] = []
  for await (const [{ id }] of store.list!(subject, Date.now())) ids.push(id)
  return ids.toSorted()
}

describe('options', () => {
  test.each([
    ['prefix', { keyPrefix: 'a{b}' }, {}],
    ['prefix', {}, { prefix: 'a{b}:' }],
    ['prefix', {}, { prefix: 'a*' }],
    ['maxPayloadBytes', {}, { maxPayloadBytes: 0 }],
    ['maxPayloadBytes', {}, { maxPayloadBytes: Number.NaN }],
  ])('%s of a client with %j and %j is refused, by name', (name, client, options) => {
    expect(() => redisStore(clientOf(server.port, { ...client, lazyConnect: true }), options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(name) as unknown }),
    )
  })

  test('refuse numbers in waitReplicas that mean "for ever" to Redis', () => {
    expect(() => waitReplicas(0, 100)).toThrow(/count/)
    expect(() => waitReplicas(1, 0)).toThrow(/timeout/)
  })

  test('a payload that is too large is not sent', async () => {
    const store = redisStore(redis, { maxPayloadBytes: 1024 })
    await expect(store.create(keyOf(), recordOf({ payload: Buffer.alloc(1025) }), Date.now())).rejects.toMatchObject({
      code: 'too_large',
    })
  })

  test('all keys begin with the keyPrefix of the client, in scripts and in count, too', async () => {
    const prefixed = clientOf(server.port, { keyPrefix: 'app:' })
    const store = redisStore(prefixed)
    const key = keyOf()
    await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    await redisStore(redis).create(keyOf(), recordOf(), Date.now())
    expect((await redis.keys('app:*')).toSorted()).toEqual([`app:sess:{${key.tag}}${key.id}`, `app:${index}`])
    expect([await sum(store.count!(Date.now())), await idsOf(store)]).toEqual([1, [key.id]])
    expect(await sum(store.deleteSubject!(subject, Date.now()))).toBe(1)
    expect(await redis.keys('app:*')).toEqual([])
    prefixed.disconnect()
  })
})

describe('the index of a subject', () => {
  test('is repaired when one of its sessions is written', async () => {
    const store = redisStore(redis)
    const [one, two] = [keyOf(), keyOf()]
    for (const key of [one, two]) await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    await redis.del(index)
    expect(await idsOf(store)).toEqual([])
    await store.replace(
      one,
      asExpected(recordOf({ subject: 'ann' })),
      recordOf({ subject: 'ann', revision: 2 }),
      Date.now(),
    )
    await store.touch(two, asExpected(recordOf({ subject: 'ann' })), Date.now() + 90_000, Date.now())
    expect(await idsOf(store)).toEqual([one.id, two.id])
  })

  test('loses an entry when its record ends, not before, whatever the clocks of applications show', async () => {
    const store = redisStore(redis)
    const [ended, live] = [keyOf(), keyOf()]
    await store.create(ended, recordOf({ subject: 'ann', expiresAt: Date.now() - 59_990 }), Date.now())
    await store.create(live, recordOf({ subject: 'ann' }), Date.now())
    const ahead = Date.now() + 86_400_000 * 365
    await store.create(keyOf(), recordOf({ subject: 'ann', expiresAt: ahead + 60_000 }), ahead)
    expect(await redis.zscore(index, live.id)).not.toBeNull()
    while (await redis.exists(`sess:{${subject.tag}}${ended.id}`)) continue
    // The server's clock, in whole seconds, has to pass the entry.
    while ((await redis.zscore(index, ended.id)) !== null)
      await store.create(keyOf(), recordOf({ subject: 'ann' }), Date.now())
    expect(await redis.zscore(index, live.id)).not.toBeNull()
  })

  test('lasts as long as the longest of its sessions, and is deleted with the last', async () => {
    const store = redisStore(redis)
    const [long, short] = [keyOf(), keyOf()]
    await store.create(long, recordOf({ subject: 'ann', expiresAt: Date.now() + 3_600_000 }), Date.now())
    await store.create(short, recordOf({ subject: 'ann' }), Date.now())
    expect(await redis.pttl(index)).toBeGreaterThan(3_600_000)
    for (const key of [long, short]) await store.delete(key, Date.now())
    expect(await redis.dbsize()).toBe(0)
  })

  test('loses in a revocation the entries whose record is gone, and no others', async () => {
    const store = redisStore(redis)
    const [one, evicted] = [keyOf(), keyOf()]
    for (const key of [one, evicted]) await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    await store.create(keyOf(), recordOf({ subject: 'anna' }), Date.now())
    await redis.del(`sess:{${subject.tag}}${evicted.id}`)
    expect(await sum(store.deleteSubject!(subject, Date.now(), one))).toBe(0)
    expect([await redis.zcard(index), await idsOf(store)]).toEqual([2, [one.id]])
  })

  test('of 1,000 sessions is revoked in chunks, except for the spared session', async () => {
    const store = redisStore(redis)
    const keys = Array.from({ length: 1000 }, keyOf)
    await Promise.all(keys.map((key) => store.create(key, recordOf({ subject: 'ann' }), Date.now())))
    expect(await sum(store.deleteSubject!(subject, Date.now(), keys[500]))).toBe(999)
    expect(await idsOf(store)).toEqual([keys[500]!.id])
  })
})

describe('a record of damaged bytes', () => {
  const expiries = [Infinity, -Infinity, Number.NaN, 1e300, -1]
  const revisions = [2 ** 53, 1e300, Number.NaN, Infinity, -1, 0.5]

  /** The bytes of each head that no client writes, its checksum right, and of each with a byte changed. */
  function* damaged(): Generator<Buffer> {
    const record = recordOf({ subject: 'ann' })
    for (const expiresAt of expiries) yield Buffer.from(encodeRecord({ ...record, expiresAt }))
    for (const revision of revisions) yield Buffer.from(encodeRecord({ ...record, revision }))
    const bytes = Buffer.from(encodeRecord(record))
    for (let at = 0; at < bytes.length - record.payload.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 0x41
      yield changed
      yield bytes.subarray(0, at)
    }
  }

  test.each(['delete', 'deleteSubject'] as const)(
    'is gone after %s, and no call fails or writes over it',
    async (end) => {
      const store = redisStore(redis)
      const now = Date.now()
      for (const bytes of damaged()) {
        const key = keyOf()
        const at = `sess:{${key.tag}}${key.id}`
        const before = recordOf({ subject: 'ann' })
        await store.create(key, before, now)
        await redis.set(at, bytes)
        const read = await store.read(key, now)
        expect([undefined, 0]).toContain(read?.revision)
        await sum(store.count!(now))
        for await (const [listed] of store.list!(subject, now)) expect(listed).not.toEqual(key)
        if (end === 'delete') await store.delete(key, now)
        else await sum(store.deleteSubject!(subject, now))
        expect([await redis.exists(at), await redis.zscore(index, key.id)]).toEqual([0, null])
      }
    },
  )
})

describe('a value that is longer than any record', () => {
  test.each(['delete', 'deleteSubject'] as const)(
    'of 100 MB is damaged, is not read, holds no other session up, and is gone after %s',
    async (end) => {
      const now = Date.now()
      const store = redisStore(redis)
      const [key, other] = [keyOf(), keyOf()]
      const at = `sess:{${key.tag}}${key.id}`
      for (const each of [key, other]) await store.create(each, recordOf({ subject: 'ann' }), now)
      await redis.setrange(at, 100_000_000, 'x')
      const { bytesRead } = redis.stream as Socket
      expect((await store.read(key, now))?.revision).toBe(0)
      const together = await Promise.all([store.read(key, now), store.read(other, now)])
      expect(together.map((record) => record?.revision)).toEqual([0, 1])
      expect((await idsOf(store)).toSorted()).toEqual([other.id])
      if (end === 'delete') await store.delete(key, now)
      else await sum(store.deleteSubject!(subject, now))
      expect([await redis.exists(at), await redis.zscore(index, key.id)]).toEqual([0, null])
      // A mebibyte, the default of maxPayloadBytes, for each look.
      expect((redis.stream as Socket).bytesRead - bytesRead).toBeLessThan(6 * 2 ** 20)
    },
  )

  test('has more bytes than the largest payload with the longest subject', async () => {
    const now = Date.now()
    const store = redisStore(redis, { maxPayloadBytes: 100 })
    for (const [length, who, revision] of [
      [100, { subject: 'a'.repeat(1024) }, 1],
      [101, { subject: 'a'.repeat(1024) }, 0],
      [1125, {}, 0],
    ] as const) {
      const key = keyOf()
      const record = recordOf({ payload: Buffer.alloc(length), ...who })
      await redisStore(redis).create(key, record, now)
      expect((await store.read(key, now))?.revision).toBe(revision)
      expect((await redisStore(redis).read(key, now))?.payload.length).toBe(length)
    }
  })
})

describe('what Redis says is a typed error', () => {
  test('out of memory: nothing was written, reads and deletes still work', async () => {
    const store = redisStore(redis)
    const key = keyOf()
    await store.create(key, recordOf(), Date.now())
    await redis.config('SET', 'maxmemory', '1')
    try {
      for (const write of [
        () => store.create(keyOf(), recordOf(), Date.now()),
        () => store.create(keyOf(), recordOf({ subject: 'ann' }), Date.now()),
        () => store.replace(key, asExpected(recordOf()), recordOf({ revision: 2 }), Date.now()),
        () => store.touch(key, asExpected(recordOf()), Date.now() + 90_000, Date.now()),
      ])
        await expect(write()).rejects.toMatchObject({ code: 'store_full' })
      expect((await store.read(key, Date.now()))?.revision).toBe(1)
      expect(await store.delete(key, Date.now())).toBe(true)
    } finally {
      await redis.config('SET', 'maxmemory', '0')
    }
  })

  test('a script that Redis has forgotten is sent again', async () => {
    const store = redisStore(redis)
    await redis.script('FLUSH')
    expect(await store.create(keyOf(), recordOf({ subject: 'ann' }), Date.now())).toBe(true)
    await redis.script('FLUSH')
    expect(await sum(store.deleteSubject!(subject, Date.now()))).toBe(1)
  })

  test('a missing right leaves the record unchanged, and no session data in the error', async () => {
    await redis.acl('SETUSER', 'reader', 'on', 'nopass', '~*', '+@all', '-set')
    const reader = clientOf(server.port, { username: 'reader', password: 'x' })
    const payload = Buffer.from('this is private')
    const error: unknown = await redisStore(reader)
      .create(keyOf(), recordOf({ payload }), Date.now())
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'store_unavailable' })
    const { inspect } = await import('node:util')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/private|74 68 69 73 20 69 73/)
    expect(await redis.dbsize()).toBe(0)
    reader.disconnect()
  })

  test('each call of a batch succeeds or is refused on its own', async () => {
    const store = redisStore(redis)
    const now = Date.now()
    const [taken, alien, one, none] = [keyOf(), keyOf(), keyOf(), keyOf()]
    await store.create(taken, recordOf(), now)
    await redis.lpush(`sess:{${alien.tag}}${alien.id}`, 'somebody else uses this key')
    const answers = await Promise.allSettled([
      store.create(taken, recordOf(), now),
      store.create(alien, recordOf(), now),
      store.create(one, recordOf({ subject: 'ann' }), now),
      store.replace(one, asExpected(recordOf()), recordOf({ subject: 'ann', revision: 2 }), now),
      store.replace(one, asExpected(recordOf()), recordOf({ subject: 'ann', revision: 2 }), now),
      store.touch(none, asExpected(recordOf()), now + 90_000, now),
    ])
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.reason))).toEqual([
      false,
      expect.objectContaining({ code: 'store_unavailable', message: expect.stringMatching(/WRONGTYPE/) as unknown }),
      true,
      'replaced',
      'conflict',
      'missing',
    ])
    await store.create(none, recordOf({ subject: 'ann' }), now)
    await redis.zadd(index, now + 90_000, alien.id)
    // First how many have gone, and then what was refused.
    const pages = store.deleteSubject!(subject, now)[Symbol.asyncIterator]()
    expect(await pages.next()).toEqual({ done: false, value: 2 })
    await expect(pages.next()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect([await store.read(one, now), await store.read(none, now)]).toEqual([undefined, undefined])
  })

  test('after a restart of the server the same store works, and sends its script again', async () => {
    const own = await startRedis({ appendonly: 'yes', appendfsync: 'always' })
    const client = clientOf(own.port)
    const store = redisStore(client)
    const key = keyOf()
    await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    await own.kill()
    await own.restart()
    expect((await store.read(key, Date.now()))?.revision).toBe(1)
    expect(await sum(store.deleteSubject!(subject, Date.now()))).toBe(1)
    client.disconnect()
    await own.stop()
  })
})

describe('a replica', () => {
  test('is neither read nor written, whether its master is up or not', async () => {
    const master = await startRedis()
    const replica = await startRedis({ replicaof: `127.0.0.1 ${master.port}` })
    const client = clientOf(replica.port)
    const store = redisStore(client)
    const outage = { code: 'store_unavailable' }
    await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject(outage)
    await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject(outage)
    await client.config('SET', 'replica-serve-stale-data', 'no')
    await master.kill()
    await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject(outage)
    await client.replicaof('NO', 'ONE')
    expect(await store.read(keyOf(), Date.now())).toBeUndefined()
    expect(await store.create(keyOf(), recordOf(), Date.now())).toBe(true)
    await client.replicaof('127.0.0.1', master.port)
    await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject(outage)
    await expect(store.read(keyOf(), Date.now())).rejects.toMatchObject(outage)
    client.disconnect()
    for (const each of [replica, master]) await each.stop()
  })

  test('can be waited for: a revocation is acknowledged once the replica has it', async () => {
    const master = await startRedis()
    const replica = await startRedis({ replicaof: `127.0.0.1 ${master.port}` })
    const [client, second] = [clientOf(master.port), clientOf(replica.port)]
    while (!(await client.info('replication')).includes('state=online')) continue
    const store = redisStore(client, { confirm: waitReplicas(1, 5000) })
    const key = keyOf()
    await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    expect(await sum(store.deleteSubject!(subject, Date.now()))).toBe(1)
    expect(await second.exists(`sess:{${subject.tag}}${key.id}`)).toBe(0)
    await store.create(key, recordOf({ subject: 'ann' }), Date.now())
    await replica.pause()
    await expect(redisStore(client, { confirm: waitReplicas(1, 50) }).delete(key, Date.now())).rejects.toMatchObject({
      code: 'unknown_outcome',
      message: expect.stringMatching(/1 replicas did not confirm it within 50 ms/) as unknown,
    })
    for (const each of [client, second]) each.disconnect()
    for (const each of [replica, master]) await each.stop()
  })

  test('that lags when it is promoted undoes acknowledged writes, but not a revocation that waited for it', async () => {
    const master = await startRedis()
    const link = await tap(master.port)
    const replica = await startRedis({ replicaof: `127.0.0.1 ${link.port}` })
    const [client, second] = [clientOf(master.port), clientOf(replica.port)]
    while (!(await client.info('replication')).includes('state=online')) continue
    const [ended, doubtful] = [keyOf(), keyOf()]
    for (const key of [ended, doubtful]) await redisStore(client).create(key, recordOf(), Date.now())
    expect(await client.wait(1, 5000)).toBe(1)
    link.mute = true
    expect(await redisStore(client).delete(ended, Date.now())).toBe(true)
    await expect(
      redisStore(client, { confirm: waitReplicas(1, 50) }).delete(doubtful, Date.now()),
    ).rejects.toMatchObject({ code: 'unknown_outcome' })
    await master.kill()
    await second.replicaof('NO', 'ONE')
    for (const key of [ended, doubtful]) expect(await redisStore(second).read(key, Date.now())).toBeDefined()
    for (const each of [client, second]) each.disconnect()
    for (const each of [replica, master, link]) await each.stop()
  })
})
