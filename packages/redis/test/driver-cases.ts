import { expect, test } from 'vitest'
import { cases, runSuite, type Clause } from '@sess/conformance'
import type { Harness } from '@sess/conformance/harness'

/**
 * Makes a test of the kit's cases on the store, with a quarter of the random rounds, for another version of a driver or other options
 * of it. The cases on sessions make the same calls of the store, and see nothing of the driver.
 *
 * @param clauses - Of these clauses alone. Default: all.
 */
export function driverCases(harness: Harness, clauses?: readonly Clause[]): void {
  const which = clauses ? ` of ${clauses.join(', ')}` : ''
  test(`${harness.name} passes the kit’s cases on the store${which}`, { timeout: 3_600_000 }, async () => {
    const chosen = cases.filter(({ subject, clause }) => subject === 'store' && (clauses?.includes(clause) ?? true))
    const only = chosen.map(({ id }) => id)
    const { verdict, cases: ran } = await runSuite(harness, { only, effort: 0.25 })
    expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
    expect(ran).toHaveLength(only.length)
    expect(verdict).toBe('pass')
  })
}
