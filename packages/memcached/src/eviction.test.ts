import type { SessionKey } from '@sess/core'
import { afterAll, expect, test } from 'vitest'
import { startMemcached } from '@sess/test-servers'
import { sum } from '@sess/core/adapter'
import { newKey, newRecord, statistic } from '../test/fixture.ts'
import { clientOf } from '../test/client.ts'
import { memcachedStore } from './index.ts'

const server = await startMemcached(['-m', '8'])
const client = clientOf(server.port)
afterAll(async () => {
  client.close()
  await server.stop()
})

const REVOCATIONS = 10_000
/** Revocations at once. */
const BATCH = 50

test(
  'of 10,000 revocations under eviction pressure, no revoked session can be read',
  { timeout: 600_000 },
  async () => {
    const store = memcachedStore(client)
    const now = Date.now()
    const revoked: SessionKey[] = []
    let alive = 0
    let readable = 0
    let byEpochAlone = 0

    const user = async (i: number): Promise<void> => {
      const { tag } = newKey()
      const subject = { id: `user-${i}`, tag }
      const sizes = [200, 900, 2500]
      const [phone, laptop, spared] = sizes.map(() => newKey(tag)) as [SessionKey, SessionKey, SessionKey]
      const record = (size: number) => newRecord(now, { subject: subject.id, payload: Buffer.alloc(size, i) })
      await store.create(phone, record(sizes[i % 3]!), now)
      await store.create(laptop, record(200), now)
      if (i % 4 === 0) await store.create(spared, record(200), now)
      if (await store.read(phone, now)) alive++
      await sum(store.deleteSubject!(subject, now, i % 4 === 0 ? spared : undefined))
      revoked.push(phone, laptop)
      // Signs in again, which is when an old session might come to life.
      if (i % 2 === 0) await store.create(newKey(tag), record(200), now)
      for (const key of [phone, laptop]) if (await store.read(key, now)) readable++
    }
    for (let i = 0; i < REVOCATIONS; i += BATCH) await Promise.all(Array.from({ length: BATCH }, (_, j) => user(i + j)))
    const lookAgain = async (key: SessionKey): Promise<void> => {
      // A record that the server still has is dead by its epoch alone.
      if ((await client.get(`sess:${key.tag}${key.id}`)).value) byEpochAlone++
      if (await store.read(key, now)) readable++
    }
    for (let i = 0; i < revoked.length; i += BATCH) await Promise.all(revoked.slice(i, i + BATCH).map(lookAgain))

    const evictions = await statistic(server.port, 'evictions')
    console.log(
      `${revoked.length} revoked sessions of ${REVOCATIONS} users, ${alive} of them read before; ` +
        `${evictions} items evicted; ${byEpochAlone} revoked records still in memory; ${readable} readable`,
    )
    expect(readable).toBe(0)
    expect(alive).toBeGreaterThan(REVOCATIONS / 2)
    expect(evictions).toBeGreaterThan(REVOCATIONS / 2)
    expect(byEpochAlone).toBeGreaterThan(100)
  },
)
