import type { Serializer } from '@sess/core'
import { describe, test } from 'vitest'
import { cases, runCase, serializerCases } from './index.ts'
import type { Harness } from './contract.ts'

/**
 * Runs the kit on a store, a vitest test for each case. A case that does not apply is a test all the same: it has looked
 * for what the store does not claim, and its annotation says what it found.
 */
export function conformance(harness: Harness): void {
  describe(`${harness.name} conforms`, () => {
    for (const item of cases) {
      test(`${item.id}: ${item.text}`, { timeout: 130_000 }, async ({ annotate }) => {
        const result = await runCase(item, harness)
        if (result.status === 'fail') throw result.error
        if (result.status === 'harness-error')
          throw new Error('the harness fell short, not the store', { cause: result.error })
        if (result.status === 'not-applicable') await annotate(`not applicable: ${result.evidence}`)
      })
    }
  })
}

/** Runs the kit's cases for serializers. */
export function serializerConformance(serializer: Serializer): void {
  describe(`serializer ${serializer.name} conforms`, () => {
    for (const item of serializerCases) test(`${item.id}: ${item.text}`, () => item.run(serializer))
  })
}
