import type { Deviation } from './contract.ts'

/** One call of a client. Times are in ms since the case began. */
export interface Step {
  /** The caller: `client 1`, `process 2`. */
  readonly client: string
  readonly call: string
  readonly from: number
  /** Absent if the call has not ended. */
  readonly to?: number
  readonly answer?: string
  /** True for the answer that cannot be right. */
  readonly wrong?: boolean
}

/** The details of a case that did not pass. */
export interface Failure {
  readonly error: unknown
  /** The calls of the counter-example: shrunk if the case can shrink it, otherwise the last calls. */
  readonly steps: readonly Step[]
  /** The options of the command that run the same again. */
  readonly replay: string
}

/** The result of a case. */
export type Result =
  | { readonly status: 'pass' }
  /** The store broke the rule. */
  | ({ readonly status: 'fail' } & Failure)
  /** The store broke the rule, and the harness lists the deviation. */
  | ({ readonly status: 'deviates'; readonly deviation: Deviation } & Failure)
  /** The store does not claim the feature, with the evidence. */
  | { readonly status: 'not-applicable'; readonly evidence: string }
  /** The rule could not be judged, for example because a search ran out of its budget. It never counts as a pass. */
  | ({ readonly status: 'inconclusive' } & Failure)
  /** The harness failed, not the store. */
  | ({ readonly status: 'harness-error' } & Failure)

/** Thrown if the harness failed, and not the store. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError'
}

/** The error of a case that the kit ended because a call or the whole case took too long. */
export class Hang extends Error {
  override readonly name = 'Hang'
}

/** The error of a case that was not tried. */
export class Untried extends Error {
  override readonly name = 'Untried'
}

/** Thrown by a case that could not judge its rule. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive'
}

/** Thrown by a case with a counter-example of its own, instead of the recorder's last calls. */
export class CounterExample extends Error {
  override readonly name = 'CounterExample'
  readonly steps: readonly Step[]
  /** The options of the command that start at the counter-example: `--path 12:3`. */
  readonly replay: string | undefined

  constructor(message: string, steps: readonly Step[], replay?: string, cause?: unknown) {
    super(message, { cause })
    this.steps = steps
    this.replay = replay
  }
}
