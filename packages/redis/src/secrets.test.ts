import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessions } from '@sess/core'
import { startRedis, type TestServer } from '@sess/test-servers'
import { clientOf } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

/** All that a server holds, as bytes: names of keys, values, members and scores. */
async function dump(port: number): Promise<Buffer[]> {
  const redis = clientOf(port)
  const found: Buffer[] = []
  for (const key of await redis.keysBuffer('*')) {
    found.push(key)
    if ((await redis.type(key)) === 'string') found.push((await redis.getBuffer(key))!)
    else found.push(...(await redis.zrangeBuffer(key, 0, '-1', 'WITHSCORES')))
  }
  redis.disconnect()
  return found
}

test('no key or value contains a secret in any form', async () => {
  const redis = clientOf(server.port)
  const sessions = createSessions<{ n: number }>({ store: redisStore(redis) })
  const cookies: string[] = []
  for (let i = 0; i < 20; i++) {
    const session = await sessions.load(undefined)
    session.data.n = i
    cookies.push((await session.commit()).cookieValue!)
    if (i % 2) cookies.push((await session.login(`user-${i % 3}`)).cookieValue!)
    if (i % 4 === 3) cookies.push((await session.regenerate({ keepOldFor: '10s' })).cookieValue!)
  }
  const stored = await dump(server.port)
  expect(stored.length).toBeGreaterThan(cookies.length)
  // What is looked for can be found: the handle stands in the key.
  const handle = cookies.at(-1)!.slice(0, 28)
  expect(stored.some((bytes) => bytes.includes(`{${handle.slice(0, 12)}}${handle.slice(12)}`))).toBe(true)
  for (const cookie of cookies) {
    const secret = Buffer.from(cookie.slice(28), 'base64url')
    expect(secret.length).toBe(24)
    for (const form of [
      secret,
      ...(['base64url', 'base64', 'hex'] as const).map((as) => Buffer.from(secret.toString(as))),
    ])
      for (const bytes of stored) expect(bytes.includes(form)).toBe(false)
  }
  redis.disconnect()
})
