import { expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { clientOf } from '../test/client.ts'
import { driverCases } from '../test/driver-cases.ts'
import { harness, leastPrivileged, onIoredis5, server } from '../test/harness.ts'

conformance(harness)
// All cases again; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })
driverCases(onIoredis5)

test('the store needs no KEYS, no CONFIG and no keyspace notifications: its user has no such right', async () => {
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
