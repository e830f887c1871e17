import { expect, test } from 'vitest'
import { cases, runSuite } from '@sess/conformance'
import { conformance } from '@sess/conformance/vitest'
import * as onCluster from '../test/cluster-harness.ts'
import { harness as onSentinel } from '../test/sentinel-harness.ts'
import * as onOneServer from '../test/single-harness.ts'

conformance(onOneServer.harness)

// The cases on sessions make the same calls of the store, and do not see the driver, so they do not run here. In most other cases
// Sentinel, and a version of `redis`, differ only after a lost connection. `pnpm --filter @sess/conformance reports` runs all cases
// on all deployments.
test.each([
  { harness: onOneServer.leastPrivileged, clause: /./ },
  { harness: onOneServer.onRedis5, clause: /^(?:faults|round-trip|races)$/ },
  { harness: onSentinel, clause: /^faults$/ },
  { harness: onCluster.harness, clause: /./ },
  { harness: onCluster.onRedis5, clause: /^faults$/ },
])(
  '$harness.name passes the kit’s cases on the store of $clause',
  { timeout: 3_600_000 },
  async ({ harness, clause }) => {
    const chosen = cases.filter((each) => each.subject === 'store' && clause.test(each.clause))
    const only = chosen.map(({ id }) => id)
    const { verdict, cases: ran } = await runSuite(harness, { only, effort: 0.25 })
    expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
    expect(ran).toHaveLength(only.length)
    expect(verdict).toBe('pass')
  },
)
