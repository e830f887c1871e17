import { describe, test } from 'node:test'
import type { Serializer } from '@sess/core'
import type { Harness } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE } from './binding.ts'

/** Runs the kit on a store, a test of node:test for each case. What does not apply says why, as a diagnostic. */
export function conformance(harness: Harness): void {
  void describe(`${harness.name} conforms`, () => {
    for (const { name, run } of bind(harness))
      void test(name, { timeout: TEST_PATIENCE }, (context) => run((note) => context.diagnostic(note)))
  })
}

/** Runs the kit's cases for serializers. */
export function serializerConformance(serializer: Serializer): void {
  void describe(`serializer ${serializer.name} conforms`, () => {
    for (const { name, run } of bindSerializer(serializer)) void test(name, () => run())
  })
}
