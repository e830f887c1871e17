import { expect, test } from 'vitest'
import { cases, runSuite } from '@sess/conformance'
import { conformance } from '@sess/conformance/vitest'
import { clientOf } from '../test/client.ts'
import { harness, leastPrivileged, onIoredis5, server } from '../test/harness.ts'

conformance(harness)
// All cases again; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })

// The cases on sessions call the store as these do, and see nothing of the driver.
test('redis on ioredis 5 passes all the kit’s cases on the store', { timeout: 3_600_000 }, async () => {
  const only = cases.filter(({ subject }) => subject === 'store').map(({ id }) => id)
  const { verdict, cases: ran } = await runSuite(onIoredis5, { only, effort: 0.25 })
  expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
  expect(ran).toHaveLength(only.length)
  expect(verdict).toBe('pass')
})

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
