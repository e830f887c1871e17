import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { freePort, startRedis, type TestServer } from '@sess/test-servers'
import { asExpected } from '@sess/core/adapter'
import { clientOf, keyOf, recordOf } from '../test/client.ts'
import { redisStore } from './index.ts'

let servers: [TestServer, TestServer]
let demoted: Redis
let other: Redis
beforeAll(async () => {
  servers = [await startRedis(), await startRedis()]
  demoted = clientOf(servers[0].port)
  other = clientOf(servers[1].port)
})
afterAll(async () => {
  for (const client of [demoted, other]) client.disconnect()
  for (const server of servers) await server.stop()
})

/** Makes the first server the master of the second. */
async function asMaster(): Promise<void> {
  await demoted.replicaof('NO', 'ONE')
  await demoted.flushall()
  await other.replicaof('127.0.0.1', servers[0].port)
  while (!(await other.info('replication')).includes('master_link_status:up')) await delay(5)
}

/** A failover that leaves connections up: the first server follows a master that it cannot reach, and serves stale data. */
async function demote(): Promise<void> {
  await other.replicaof('NO', 'ONE')
  await demoted.replicaof('127.0.0.1', await freePort())
}

/** Begins a snapshot, once that of a new replica is done. */
async function snapshot(): Promise<void> {
  while ((await demoted.info('persistence')).includes('rdb_bgsave_in_progress:1')) await delay(5)
  await demoted.bgsave()
}

const outage = { code: 'store_unavailable' }

test.each([
  ['plain', {}, false],
  ['with auto-pipelining', { enableAutoPipelining: true }, false],
  ['set to reconnect', {}, true],
])(
  'from the first refused write on nothing is answered, until it is a master again; a client that is %s',
  async (_, options, reconnects) => {
    await asMaster()
    const asked: string[] = []
    const app = clientOf(servers[0].port, {
      ...options,
      reconnectOnError: ({ message }) => (asked.push(message), reconnects && message.startsWith('READONLY')),
    })
    const store = redisStore(app)
    const here = createSessions({ store, log: false })
    const { cookieValue } = await (await here.load(undefined)).login('ann')
    const session = await here.load(cookieValue)
    await app.wait(1, 2000)
    await demote()
    expect(await createSessions({ store: redisStore(other), log: false }).revokeSubject('ann')).toBe(1)
    session.data['n'] = 1
    await expect(session.commit()).rejects.toMatchObject(outage)
    expect(asked.filter((message) => message.startsWith('READONLY'))).not.toEqual([])
    for (let i = 0; i < 3; i++) await expect(here.load(cookieValue)).rejects.toMatchObject(outage)
    await demoted.replicaof('NO', 'ONE')
    expect(await (await here.load(undefined)).login('bob')).toMatchObject({ status: 'created' })
    app.disconnect()
  },
)

test('a process that only reads accepts answers of a demoted master for at most a second', async () => {
  await asMaster()
  const app = clientOf(servers[0].port)
  const store = redisStore(app)
  const key = keyOf()
  await store.create(key, recordOf(), Date.now())
  await app.wait(1, 2000)
  const since = performance.now()
  await demote()
  const read = (): Promise<boolean> =>
    store.read(key, Date.now()).then(
      () => true,
      () => false,
    )
  let latest = since
  while (await read()) latest = performance.now()
  expect(latest - since).toBeLessThan(1000 + (performance.now() - latest) + 100)
  await expect(store.read(key, Date.now())).rejects.toMatchObject(outage)
  app.disconnect()
})

test('a demoted master gives no answer to a write that changes nothing: no conflict, no "missing"', async () => {
  await asMaster()
  const app = clientOf(servers[0].port)
  const store = redisStore(app)
  const [key, none] = [keyOf(), keyOf()]
  const now = Date.now()
  await store.create(key, recordOf(), now)
  await demote()
  for (const call of [
    () => store.create(key, recordOf(), now),
    () => store.replace(key, asExpected(recordOf({ revision: 8 })), recordOf({ revision: 9 }), now),
    () => store.replace(none, asExpected(recordOf()), recordOf({ revision: 2 }), now),
    () => store.touch(key, asExpected(recordOf()), now + 1000, now),
    () => store.delete(none, now),
  ])
    await expect(call()).rejects.toMatchObject(outage)
  app.disconnect()
})

test('a master without its required replicas gives no answer, not even to reads', async () => {
  await asMaster()
  const app = clientOf(servers[0].port)
  const store = redisStore(app)
  const key = keyOf()
  await store.create(key, recordOf(), Date.now())
  await demoted.config('SET', 'min-replicas-to-write', '2')
  try {
    await expect(store.delete(keyOf(), Date.now())).rejects.toMatchObject(outage)
    await expect(store.read(key, Date.now())).rejects.toMatchObject(outage)
  } finally {
    await demoted.config('SET', 'min-replicas-to-write', '0')
  }
  expect(await store.read(key, Date.now())).toBeDefined()
  app.disconnect()
})

test('a master whose disk fails refuses writes and still answers reads', async () => {
  await asMaster()
  const app = clientOf(servers[0].port)
  const store = redisStore(app)
  const key = keyOf()
  await store.create(key, recordOf(), Date.now())
  const dump = join(servers[0].folder, 'dump.rdb')
  await demoted.config('SET', 'save', '3600 1')
  rmSync(dump, { force: true })
  mkdirSync(dump) // where its snapshot belongs
  try {
    await snapshot()
    while (!(await demoted.info('persistence')).includes('rdb_last_bgsave_status:err')) await delay(5)
    await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject(outage)
    expect(await redisStore(app).read(key, Date.now())).toBeDefined()
  } finally {
    await demoted.config('SET', 'save', '')
    rmSync(dump, { recursive: true })
    await snapshot()
  }
  app.disconnect()
})
