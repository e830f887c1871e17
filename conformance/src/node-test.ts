import { after, before, describe, test, type TestContext } from 'node:test'
import type { Serializer } from '@sess/core'
import type { Harness, RunOptions } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE, type BoundTest } from './binding.ts'

/**
 * Runs the kit on a store, with a test of node:test for each case. A case that does not apply counts as skipped, with the reason. A
 * deviation is a diagnostic.
 *
 * @throws {SessError} `invalid_option` for an unknown option.
 */
export function conformance(harness: Harness, options: RunOptions = {}): void {
  const { name, begin, end, tests } = bind(harness, options)
  void describe(name, () => {
    before(begin, { timeout: TEST_PATIENCE })
    after(end, { timeout: TEST_PATIENCE })
    for (const each of tests) void test(each.name, { timeout: TEST_PATIENCE }, (context) => run(each, context))
  })
}

/** Runs the kit's cases for serializers. */
export function serializerConformance(serializer: Serializer): void {
  const { name, tests } = bindSerializer(serializer)
  void describe(name, () => {
    for (const each of tests) void test(each.name, { timeout: TEST_PATIENCE }, (context) => run(each, context))
  })
}

async function run({ run: tried }: BoundTest, context: TestContext): Promise<void> {
  const outcome = await tried()
  if (outcome.status === 'not-applicable') context.skip(outcome.text)
  else if (outcome.text !== undefined) context.diagnostic(outcome.text)
}
