import type { StoreTraits } from '@sess/core'
import type { BenchRow } from '../bench.ts'
import type { Case, Clause, Deviation, Layer } from '../contract.ts'
import { Untried, type Result, type Step } from '../result.ts'

export type Status = Result['status']

/** The result of one case, as data. */
export interface CaseReport {
  readonly id: string
  readonly clause: Clause
  readonly layer: Layer
  readonly subject: Case['subject'] | 'serializer'
  /** The rule. */
  readonly text: string
  readonly status: Status
  /** The time of the case, in ms. */
  readonly ms: number
  /** The evidence of `not-applicable`, or the reason for which the case was not tried. */
  readonly evidence?: string
  /** Present for `deviates`. */
  readonly deviation?: Deviation
  /** Absent if the case passed, did not apply, or was not tried. */
  readonly failure?: {
    readonly message: string
    readonly steps: readonly Step[]
    /** The options of the command that run the same again. */
    readonly replay: string
  }
}

/** A whole run, as data: the content of `report.json`, and the source of all other reports. */
export interface Report {
  /** The version of this format. */
  readonly format: 1
  readonly contract: number
  /** The subject of the trial. */
  readonly kind: 'store' | 'serializer'
  readonly name: string
  /** `pass`: every case passed, deviates as listed, or does not apply. */
  readonly verdict: 'pass' | 'fail' | 'harness-error' | 'inconclusive'
  /** True if all cases of the contract were run with all their rounds. Any other run proves nothing. */
  readonly complete: boolean
  /** An error of the harness that was found before the first case. */
  readonly problem?: string
  /** Notes that are not failures, such as two copies of core. */
  readonly notes?: readonly string[]
  readonly versions: Readonly<Record<string, string>>
  readonly traits?: StoreTraits
  readonly seed: number
  /** The share of rounds that random cases made. */
  readonly effort: number
  /** The factor of the sizes in the cases of the clause `scale`. Absent if the harness did not lower it. */
  readonly scale?: number
  /** The start of the run, in ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  readonly cases: readonly CaseReport[]
  readonly bench?: readonly BenchRow[]
}

/** The exit code of the command for each verdict. */
export const EXIT: Readonly<Record<Report['verdict'], 0 | 1 | 2>> = {
  pass: 0,
  fail: 1,
  'harness-error': 2,
  inconclusive: 2,
}

/** Makes the verdict. A harness error decides first, because it makes the other results doubtful. A pass needs a judgement of all cases. */
export function verdictOf(cases: readonly CaseReport[]): Report['verdict'] {
  const has = (status: Status): boolean => cases.some((one) => one.status === status)
  if (cases.length === 0 || has('harness-error')) return 'harness-error'
  if (has('fail')) return 'fail'
  return has('inconclusive') ? 'inconclusive' : 'pass'
}

/** Makes the report of a case and its result. */
export function caseReportOf(
  { id, clause, layer, subject, text }: Omit<CaseReport, 'status' | 'ms'>,
  result: Result,
  ms: number,
): CaseReport {
  return {
    id,
    clause,
    layer,
    subject,
    text,
    status: result.status,
    ms: Math.round(ms),
    ...('evidence' in result && { evidence: result.evidence }),
    ...('error' in result && result.error instanceof Untried && { evidence: result.error.message }),
    ...('deviation' in result && { deviation: result.deviation }),
    ...('error' in result &&
      !(result.error instanceof Untried) && {
        failure: { message: messageOf(result.error), steps: result.steps, replay: result.replay },
      }),
  }
}

/** Returns the message of an error with the messages of its causes. The limit ends a cycle, because an error may be its own cause. */
export function messageOf(error: unknown, causes = 8): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message, name } = error
  const own = message === '' ? name : message
  const because = cause === undefined || causes === 0 ? '' : messageOf(cause, causes - 1)
  return own.includes(because) ? own : `${own}: ${because}`
}
