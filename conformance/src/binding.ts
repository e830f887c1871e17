import type { Serializer } from '@sess/core'
import { checkOptions } from '@sess/core/adapter'
import { cases } from './cases/all.ts'
import { serializerCases } from './cases/serialization/serialization.ts'
import type { Harness, RunOptions } from './contract.ts'
import { preflight } from './preflight.ts'
import { messageOf } from './report/report.ts'
import { stepLine } from './report/text.ts'
import type { Result } from './result.ts'
import { CALL_PATIENCE, RUN_OPTIONS, runCase, runSerializerCase } from './run.ts'

/** How long a runner should wait for a test, in ms: longer than any case takes, for the kit ends them itself, and says where they hung. */
export const TEST_PATIENCE = 3_600_000

/** A test, for any runner. */
export interface BoundTest {
  readonly name: string
  /** Throws where it failed. `note` is told what is worth a word though it did not fail. */
  readonly run: (note?: (text: string) => unknown) => Promise<void>
}

/** The tests of a store: that the harness is sound, and one for each case. */
export function bind(harness: Harness, options: RunOptions = {}): readonly BoundTest[] {
  checkOptions(options, 'conformance()', RUN_OPTIONS)
  const sound: BoundTest = {
    name: 'the harness is sound',
    run: async () => void (await preflight(harness, options.patience ?? CALL_PATIENCE)),
  }
  return [
    sound,
    ...cases.map((item) => ({
      name: `${item.id}: ${item.text}`,
      run: async (note?: (text: string) => unknown) => settle(await runCase(item, harness, options), note),
    })),
  ]
}

/** The tests of a serializer. */
export function bindSerializer(serializer: Serializer): readonly BoundTest[] {
  return serializerCases.map((item) => ({
    name: `${item.id}: ${item.text}`,
    run: async (note) => settle(await runSerializerCase(item, serializer), note),
  }))
}

/** Throws what a runner should show, or notes what is no failure. */
async function settle(result: Result, note: (text: string) => unknown = () => {}): Promise<void> {
  if (result.status === 'pass') return
  if (result.status === 'not-applicable') return void (await note(`not applicable: ${result.evidence}`))
  if (result.status === 'deviates') return void (await note(`deviates: ${result.deviation.reason}`))
  const { status, error, steps, replay } = result
  const calls = steps.slice(-20).map((step) => stepLine(step))
  throw new Error(
    [`${status}: ${messageOf(error)}`, ...calls, `Again: sess-conformance HARNESS ${replay}`].join('\n'),
    {
      cause: error,
    },
  )
}
