import type { StoreTraits } from '@sess/core'
import type { BenchRow } from '../bench.ts'
import type { Case, Clause, Deviation, Layer } from '../contract.ts'
import { Untried, type Result, type Step } from '../result.ts'

export type Status = Result['status']

/** How one case went, as data. */
export interface CaseReport {
  readonly id: string
  readonly clause: Clause
  readonly layer: Layer
  readonly subject: Case['subject'] | 'serializer'
  readonly text: string
  readonly status: Status
  readonly ms: number
  /** Of `not-applicable`, and of one that was not tried. */
  readonly evidence?: string
  /** Of `deviates`. */
  readonly deviation?: Deviation
  /** Unless it passed, did not apply, or was not tried. */
  readonly failure?: {
    readonly message: string
    readonly steps: readonly Step[]
    /** Options of the command that try the same again. */
    readonly replay: string
  }
}

/** A whole run, as data: what `report.json` holds, and every other report is made from. */
export interface Report {
  /** Of this format. */
  readonly format: 1
  readonly contract: number
  /** What was on trial. */
  readonly kind: 'store' | 'serializer'
  readonly name: string
  /** `pass`: every case passed, deviates as listed, or does not apply. */
  readonly verdict: 'pass' | 'fail' | 'harness-error' | 'inconclusive'
  /** All cases of the contract were run, with all their rounds. Anything else proves nothing. */
  readonly complete: boolean
  /** What is wrong with the harness, where that is known before the first case. */
  readonly problem?: string
  /** What is no fault, and worth knowing: two copies of core, for instance. */
  readonly notes?: readonly string[]
  readonly versions: Readonly<Record<string, string>>
  readonly traits?: StoreTraits
  readonly seed: number
  /** The share of rounds that random cases made. */
  readonly effort: number
  /** The share of their size that the cases of the clause `scale` had, where the harness lowered it. */
  readonly scale?: number
  /** ISO 8601. */
  readonly startedAt: string
  readonly durationMs: number
  readonly cases: readonly CaseReport[]
  readonly bench?: readonly BenchRow[]
}

/** What the command ends with. */
export const EXIT: Readonly<Record<Report['verdict'], 0 | 1 | 2>> = {
  pass: 0,
  fail: 1,
  'harness-error': 2,
  inconclusive: 2,
}

/** One status decides: a harness that fell short makes everything else doubtful, and a zero counts only if all was judged. */
export function verdictOf(cases: readonly CaseReport[]): Report['verdict'] {
  const has = (status: Status): boolean => cases.some((one) => one.status === status)
  if (cases.length === 0 || has('harness-error')) return 'harness-error'
  if (has('fail')) return 'fail'
  return has('inconclusive') ? 'inconclusive' : 'pass'
}

/** A case and its result, as data. */
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

/** What an error says, with its causes. An error may be among its own. */
export function messageOf(error: unknown, causes = 8): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message, name } = error
  const own = message === '' ? name : message
  const because = cause === undefined || causes === 0 ? '' : messageOf(cause, causes - 1)
  return own.includes(because) ? own : `${own}: ${because}`
}
