import type { Deviation } from './contract.ts'

/** One call of a client, as seen from outside. Times are ms since the case began. */
export interface Step {
  /** Who called: `client 1`, `process 2`. */
  readonly client: string
  readonly call: string
  readonly from: number
  /** Undefined while it has not ended. */
  readonly to?: number
  readonly answer?: string
  /** The answer is the one that cannot be right. */
  readonly wrong?: boolean
}

/** What is known of a case that did not pass. */
export interface Failure {
  readonly error: unknown
  /** The counter-example, call by call: shrunk where the case can, else the last calls. */
  readonly steps: readonly Step[]
  /** The options of the command that try the same again. */
  readonly replay: string
}

/** How a case went. */
export type Result =
  | { readonly status: 'pass' }
  /** The store broke the rule. */
  | ({ readonly status: 'fail' } & Failure)
  /** The store broke the rule, as the harness says that it does. */
  | ({ readonly status: 'deviates'; readonly deviation: Deviation } & Failure)
  /** The store does not claim it; by what evidence. */
  | { readonly status: 'not-applicable'; readonly evidence: string }
  /** The rule could not be judged: out of budget, say. Never a pass. */
  | ({ readonly status: 'inconclusive' } & Failure)
  /** The harness fell short, not the store. */
  | ({ readonly status: 'harness-error' } & Failure)

/** Thrown by a case: the harness fell short. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError'
}

/** Why a case was ended: a call, or the whole, took too long. */
export class Hang extends Error {
  override readonly name = 'Hang'
}

/** Why a case was not tried. */
export class Untried extends Error {
  override readonly name = 'Untried'
}

/** Thrown by a case that could not find out. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive'
}

/** Thrown by a case that knows its counter-example better than the recorder does. */
export class CounterExample extends Error {
  override readonly name = 'CounterExample'
  readonly steps: readonly Step[]
  /** Options of the command that go straight to it: `--path 12:3`. */
  readonly replay: string | undefined

  constructor(message: string, steps: readonly Step[], replay?: string, cause?: unknown) {
    super(message, { cause })
    this.steps = steps
    this.replay = replay
  }
}
