import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startRedis } from '@sess/test-servers'
import { clientOf as ioredisOf, keyOf, recordOf } from '../../redis/test/client.ts'
import { load, type LoadData } from '../../redis/test/load.ts'
import { clientOf } from '../test/client.ts'
import { redisStore } from './index.ts'

test.each([6, 5] as const)(
  'redis %d: a server is killed under load and started again: no acknowledged write is undone, and the same client goes on',
  async (major) => {
    await using server = await startRedis({ appendonly: 'yes' })
    const client = clientOf(server.port, { major })
    const running = load(createSessions<LoadData>({ store: redisStore(client), log: false }), 8)
    for (let times = 0; times < 3; times++) {
      await running.more(300)
      await server.kill()
      // The store bridges a short outage without an error, so the third outage lasts until a call fails.
      if (times === 2) while (Object.keys(running.report.errors).length === 0) await delay(5)
      await server.restart()
    }
    await running.more(300)
    const { wrong, errors, undoneEnds, undoneRotations, undoneWrites } = await running.stop()
    client.destroy()
    expect({ wrong, undone: undoneEnds + undoneRotations + undoneWrites }).toEqual({ wrong: [], undone: 0 })
    for (const code of Object.keys(errors)) expect(['store_unavailable', 'unknown_outcome']).toContain(code)
  },
  60_000,
)

test.each([6, 5] as const)(
  'redis %d: a master that was demoted while its connections stayed up gives no answer until it is a master again',
  async (major) => {
    await using first = await startRedis()
    await using second = await startRedis()
    const [admin, other] = [ioredisOf(first.port), ioredisOf(second.port)]
    const client = clientOf(first.port, { major })
    const store = redisStore(client)
    const key = keyOf()
    await store.create(key, recordOf(), Date.now())
    await admin.replicaof('127.0.0.1', second.port)
    while (!(await admin.info('replication')).includes('master_link_status:up')) await delay(20)
    // The first refusal puts the role of the server in doubt.
    await expect(store.create(keyOf(), recordOf(), Date.now())).rejects.toMatchObject({ code: 'store_unavailable' })
    for (let i = 0; i < 3; i++)
      await expect(store.read(key, Date.now())).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/READONLY/) as unknown,
      })
    await admin.replicaof('NO', 'ONE')
    expect(await store.create(key, recordOf(), Date.now())).toBe(true)
    expect(await store.read(key, Date.now())).toMatchObject({ revision: 1 })
    for (const each of [admin, other]) each.disconnect()
    client.destroy()
  },
)
