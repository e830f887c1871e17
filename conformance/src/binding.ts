import type { Serializer } from '@sess/core'
import { checkOptions } from '@sess/core/adapter'
import { cases } from './cases/all.ts'
import { serializerCases } from './cases/serialization/serialization.ts'
import type { Harness, RunOptions } from './contract.ts'
import { beginHarness, endHarness, preflight } from './preflight.ts'
import { messageOf } from './report/report.ts'
import { stepLine } from './report/text.ts'
import type { Result } from './result.ts'
import { CALL_PATIENCE, RUN_OPTIONS, runCase, runSerializerCase } from './run.ts'

/** How long a runner should wait for a test, in ms: longer than any case takes, for the kit ends them itself, and says where they hung. */
export const TEST_PATIENCE = 3_600_000

/** How a test went that did not fail. `text` says why it does not apply, how the store deviates, or what else is worth a word. */
export type Outcome =
  | { readonly status: 'pass'; readonly text?: string }
  | { readonly status: 'not-applicable' | 'deviates'; readonly text: string }

/** A test, for any runner. */
export interface BoundTest {
  readonly name: string
  /** Rejects where the test failed: with the last calls, and how to run the case again. */
  readonly run: () => Promise<Outcome>
}

/** The kit on one store, for any runner. */
export interface BoundSuite {
  /** What a runner calls the group of tests. */
  readonly name: string
  /** To be awaited before the first test: begins what the harness begins for the whole suite. */
  readonly begin: () => Promise<void>
  /** To be awaited after the last test, also where some failed. */
  readonly end: () => Promise<void>
  /** One after the other: the kit runs no two at once. The first looks at the harness. */
  readonly tests: readonly BoundTest[]
}

/**
 * The tests of a store, for a runner that the kit has no binding for.
 *
 * @throws {SessError} `invalid_option` for an option that there is not.
 * @example
 * const { name, begin, end, tests } = bind(harness)
 * describe(name, () => {
 *   beforeAll(begin)
 *   afterAll(end)
 *   for (const { name, run } of tests) test(name, async () => void (await run()))
 * })
 */
export function bind(harness: Harness, options: RunOptions = {}): BoundSuite {
  checkOptions(options, 'conformance()', RUN_OPTIONS)
  const { patience = CALL_PATIENCE } = options
  const sound: BoundTest = {
    name: 'the harness is sound',
    run: async () => {
      const { notes } = await preflight(harness, patience)
      return { status: 'pass', ...(notes.length > 0 && { text: notes.join('\n') }) }
    },
  }
  return {
    name: `${harness.name} conforms`,
    begin: () => beginHarness(harness, patience),
    end: () => endHarness(harness, patience),
    tests: [
      sound,
      ...cases.map((item) => ({
        name: `${item.id}: ${item.text}`,
        run: async () => outcomeOf(await runCase(item, harness, options)),
      })),
    ],
  }
}

/** The tests of a serializer, for a runner that the kit has no binding for. */
export function bindSerializer(serializer: Serializer): Omit<BoundSuite, 'begin' | 'end'> {
  return {
    name: `serializer ${serializer.name} conforms`,
    tests: serializerCases.map((item) => ({
      name: `${item.id}: ${item.text}`,
      run: async () => outcomeOf(await runSerializerCase(item, serializer)),
    })),
  }
}

/** Throws what a runner should show. */
function outcomeOf(result: Result): Outcome {
  switch (result.status) {
    case 'pass':
      return { status: 'pass' }
    case 'not-applicable':
      return { status: 'not-applicable', text: `not applicable: ${result.evidence}` }
    case 'deviates':
      return { status: 'deviates', text: `deviates: ${result.deviation.reason}` }
    default: {
      const { status, error, steps, replay } = result
      const calls = steps.slice(-20).map((step) => stepLine(step))
      const lines = [`${status}: ${messageOf(error)}`, ...calls, `Again: sess-conformance HARNESS ${replay}`]
      throw new Error(lines.join('\n'), { cause: error })
    }
  }
}
