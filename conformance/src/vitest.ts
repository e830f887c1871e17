import type { Serializer } from '@sess/core'
import { describe, test } from 'vitest'
import type { Harness, RunOptions } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE } from './binding.ts'

/**
 * Runs the kit on a store, a vitest test for each case. A case that does not apply is a test all the same: it has looked
 * for what the store does not claim, and its annotation says what it found.
 */
export function conformance(harness: Harness, options: RunOptions = {}): void {
  describe(`${harness.name} conforms`, () => {
    for (const { name, run } of bind(harness, options))
      test(name, { timeout: TEST_PATIENCE }, ({ annotate }) => run((note) => annotate(note)))
  })
}

/** Runs the kit's cases for serializers. */
export function serializerConformance(serializer: Serializer): void {
  describe(`serializer ${serializer.name} conforms`, () => {
    for (const { name, run } of bindSerializer(serializer)) test(name, async () => run())
  })
}
