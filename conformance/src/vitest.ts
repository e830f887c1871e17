import type { Serializer } from '@sess/core'
import { afterAll, beforeAll, describe, test, type TestContext } from 'vitest'
import type { Harness, RunOptions } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE, type BoundTest } from './binding.ts'

/**
 * Runs the kit on a store, with a vitest test for each case. A case that does not apply counts as skipped, with the reason as its
 * note. A deviation is an annotation.
 *
 * @throws {SessError} `invalid_option` for an unknown option.
 */
export function conformance(harness: Harness, options: RunOptions = {}): void {
  const { name, begin, end, tests } = bind(harness, options)
  describe(name, () => {
    beforeAll(begin, TEST_PATIENCE)
    afterAll(end, TEST_PATIENCE)
    for (const each of tests) test(each.name, { timeout: TEST_PATIENCE }, (context) => run(each, context))
  })
}

/** Runs the kit's cases for serializers. */
export function serializerConformance(serializer: Serializer): void {
  const { name, tests } = bindSerializer(serializer)
  describe(name, () => {
    for (const each of tests) test(each.name, { timeout: TEST_PATIENCE }, (context) => run(each, context))
  })
}

async function run({ run: tried }: BoundTest, context: TestContext): Promise<void> {
  const outcome = await tried()
  if (outcome.status === 'not-applicable') context.skip(outcome.text)
  else if (outcome.text !== undefined) await context.annotate(outcome.text)
}
