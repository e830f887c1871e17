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

/** The timeout of a test for runners, in ms. It is longer than any case: the kit itself ends a case that hangs, and names the call. */
export const TEST_PATIENCE = 3_600_000

/** The outcome of a test that did not fail. `text`: why the case does not apply, how the store deviates, or a note. */
export type Outcome =
  | { readonly status: 'pass'; readonly text?: string }
  | { readonly status: 'not-applicable' | 'deviates'; readonly text: string }

/** A test, for any runner. */
export interface BoundTest {
  readonly name: string
  /** Runs the test. @throws {Error} If the test failed, with the last calls and the command that runs the case again. */
  readonly run: () => Promise<Outcome>
}

/** The kit on one store, for any runner. */
export interface BoundSuite {
  /** The name of the group of tests. */
  readonly name: string
  /** Begins the harness for the whole suite. Await it before the first test. */
  readonly begin: () => Promise<void>
  /** Ends the harness. Await it after the last test, also if some tests failed. */
  readonly end: () => Promise<void>
  /** The tests. Run them one after another: the kit runs no two at once. The first test checks the harness. */
  readonly tests: readonly BoundTest[]
}

/**
 * Makes the tests of a store, for a runner for which the kit has no binding.
 *
 * @throws {SessError} `invalid_option` for an unknown option.
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

/** Makes the tests of a serializer, for a runner for which the kit has no binding. */
export function bindSerializer(serializer: Serializer): Omit<BoundSuite, 'begin' | 'end'> {
  return {
    name: `serializer ${serializer.name} conforms`,
    tests: serializerCases.map((item) => ({
      name: `${item.id}: ${item.text}`,
      run: async () => outcomeOf(await runSerializerCase(item, serializer)),
    })),
  }
}

/** Returns the outcome of a result. @throws {Error} If the case did not pass, with the message that the runner shows. */
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
