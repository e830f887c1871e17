import { expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { driverCases } from '../../redis/test/driver-cases.ts'
import { cluster, harness, leastPrivileged, onIoredis5 } from '../test/harness.ts'

conformance(harness)
// All cases again; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })
driverCases(onIoredis5)

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
