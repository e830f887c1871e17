import { expect, test } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { cluster, harness, leastPrivileged, onIoredis5 } from '../test/harness.ts'

conformance(harness)
// All cases again, twice; those that make random rounds make a quarter of them.
conformance(leastPrivileged, { effort: 0.25 })
conformance(onIoredis5, { effort: 0.25 })

test('the user had all the rights that were asked for, and no KEYS and no CONFIG', async () => {
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
