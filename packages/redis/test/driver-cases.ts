import { expect, test } from 'vitest'
import { cases, runSuite, type Clause } from '@sess/conformance'
import type { Harness } from '@sess/conformance/harness'

/**
 * Makes a test of the kit's cases on the store, of some clauses and with a quarter of the random rounds, for another version of a driver
 * or other options of it. The cases on sessions make the same calls of the store, and see nothing of the driver.
 * `pnpm --filter @sess/conformance reports` runs all cases on all deployments.
 */
export function driverCases(harness: Harness, clauses: readonly Clause[]): void {
  test(
    `${harness.name} passes the kit’s cases on the store of ${clauses.join(', ')}`,
    { timeout: 3_600_000 },
    async () => {
      const chosen = cases.filter(({ subject, clause }) => subject === 'store' && clauses.includes(clause))
      const only = chosen.map(({ id }) => id)
      const { verdict, cases: ran } = await runSuite(harness, { only, effort: 0.25 })
      expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
      expect(ran).toHaveLength(only.length)
      expect(verdict).toBe('pass')
    },
  )
}
