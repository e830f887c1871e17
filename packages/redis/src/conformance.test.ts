import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { startRedis, type TestServer } from '@sess/test-servers'
import { harnessOn } from '../test/harness.ts'

let server: TestServer
let admin: Redis
beforeAll(async () => {
  server = await startRedis()
  admin = new Redis(server.port)
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, user] = /^ACL SETUSER (.+)$/m.exec(readme)!
  await admin.acl('SETUSER', ...(user!.split(' ') as [string]))
})
afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

conformance(harnessOn('redis', () => `redis://127.0.0.1:${server.port}`))
conformance(
  harnessOn('redis with no more rights than the README grants', () => `redis://sess:secret@127.0.0.1:${server.port}`),
)

test('no KEYS, no CONFIG and no keyspace notifications were needed: the user has no such right', async () => {
  for (const [command, ...args] of [
    ['keys', '*'],
    ['config', 'get', '*'],
    ['psubscribe', '*'],
    ['flushall'],
  ] as const) {
    const answer = await admin.acl('DRYRUN', 'sess', command, ...args)
    expect(answer).toMatch(/no permissions/)
  }
  expect(await admin.acl('LOG')).toEqual([])
})
