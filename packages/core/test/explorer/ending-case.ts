/** The end of a schedule, as its checks see it. */
import { handle, type Step } from '../records.ts'
import type { Seen } from './core.ts'
import type { Ending, Request } from './requests.ts'
import type { Point } from './runs.ts'
import type { State } from './scheduler.ts'
import type { Bench, Worth } from './secrets.ts'

/** A request, its result, and its writes. */
export interface Told {
  readonly request: Request
  readonly point: Point
  readonly end: Ending
  /** The creates and replaces of the request that the store applied. */
  readonly applied: readonly Step[]
  /** One of its answers was lost. */
  readonly faulted: boolean
  /** The verdict on its secret when it loaded the session. */
  readonly came: Worth
  /** Its write was acknowledged. */
  readonly acknowledged: boolean
}

/** The end of a schedule. */
export interface Case extends Bench {
  readonly state: State
  readonly tolds: readonly Told[]
}

/** The session under a handle; undefined for a marker. */
export function sessionAt({ reader, state }: Case, name: string | undefined): Seen | undefined {
  const record = name === undefined ? undefined : state.records.get(name)
  const seen = record && reader.read(record)
  return seen?.marker ? undefined : seen
}

/** True for a step that wrote to a record. */
export function wroteTo(name: string, step: Step): boolean {
  return 'key' in step && handle(step.key) === name
}
