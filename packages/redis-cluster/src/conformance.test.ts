import { expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { driverCases } from '../../redis/test/driver-cases.ts'
import { cluster, harness, leastPrivileged, onIoredis5 } from '../test/harness.ts'

conformance(harness)
driverCases(leastPrivileged, ['round-trip', 'races', 'faults', 'subjects'])
driverCases(onIoredis5, ['round-trip', 'races', 'faults', 'subjects', 'clock', 'life-cycle'])

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
