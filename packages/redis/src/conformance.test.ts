import { expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { clientOf } from '../test/client.ts'
import { harness, leastPrivileged, onIoredis5, server } from '../test/harness.ts'

conformance(harness)
// All cases again, twice; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })
conformance(onIoredis5, { effort: 0.25 })

test('no KEYS, no CONFIG and no keyspace notifications were needed: the user has no such right', async () => {
  const admin = clientOf((await server()).port)
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
  admin.disconnect()
})
