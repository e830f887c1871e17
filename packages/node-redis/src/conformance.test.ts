import { expect, test } from 'vitest'
import { cases, runSuite } from '@sess/conformance'
import { conformance } from '@sess/conformance/vitest'
import { harness, leastPrivileged, onRedis5 } from '../test/single-harness.ts'

conformance(harness)

// The cases on sessions call the store as these do, and see nothing of the driver.
test.each([
  ['on RESP2, with the rights that the README grants', leastPrivileged],
  ['on redis 5', onRedis5],
] as const)('node-redis %s conforms: all cases on the store', { timeout: 3_600_000 }, async (_, harnessOn) => {
  const only = cases.filter(({ subject }) => subject === 'store').map(({ id }) => id)
  const { verdict, cases: ran } = await runSuite(harnessOn, { only, effort: 0.25 })
  expect(ran.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
  expect(ran).toHaveLength(only.length)
  expect(verdict).toBe('pass')
})
