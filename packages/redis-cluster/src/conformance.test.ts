import { expect, test } from 'vitest'
import { cases, runSuite } from '@sess/conformance'
import { conformance } from '@sess/conformance/vitest'
import { cluster, harness, leastPrivileged, onIoredis5 } from '../test/harness.ts'

conformance(harness)
// All cases again; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })

// The cases on sessions call the store as these do, and see nothing of the driver.
test('redis-cluster on ioredis 5 passes all the kit’s cases on the store', { timeout: 3_600_000 }, async () => {
  const only = cases.filter(({ subject }) => subject === 'store').map(({ id }) => id)
  const { verdict, cases: ran } = await runSuite(onIoredis5, { only, effort: 0.25 })
  expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
  expect(ran).toHaveLength(only.length)
  expect(verdict).toBe('pass')
})

test('the least privileges that the README grants suffice, without KEYS and CONFIG', async () => {
  const { nodes, cli } = await cluster()
  for (const node of nodes) {
    expect(await cli(node, 'ACL', 'LOG')).not.toMatch(/^object$/m)
    for (const command of [
      ['KEYS', '*'],
      ['CONFIG', 'GET', '*'],
    ])
      expect(await cli(node, 'ACL', 'DRYRUN', 'sess', ...command)).toMatch(/no permissions/)
  }
})
