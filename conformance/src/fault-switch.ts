/** A fault between a client and its server. */
export type Fault =
  /** The connection is lost before the request arrives. */
  | 'cut-before'
  /** The server handles the request. The connection is lost before the answer arrives. */
  | 'cut-after'
  /** The connection is lost in the middle of the answer. */
  | 'cut-mid-reply'
  /** Bytes of the answer are changed. */
  | 'corrupt-reply'
  /** The request arrives late, even if the client no longer waits for the answer. */
  | 'late'
  /** The answer arrives late. */
  | 'slow'
  /** Connections are lost, and new connections are refused, until `heal`. */
  | 'down'
  /** Connections stay open and new connections are accepted, but no data passes until `heal`, as with a stopped server process. */
  | 'hang'

/** Options of a fault. */
export interface FaultOptions {
  /** How many requests the fault strikes. Default: 1. `down` and `hang` last until `heal`. */
  readonly times?: number
  /** The delay of `late` and `slow`, in ms. Default: 100. */
  readonly ms?: number
  /** How many requests pass first, for a call that makes several. Default: 0. `down` and `hang` begin at once. */
  readonly after?: number
}

/** Makes faults in one place, at a socket or in front of a store. */
export interface Faults {
  /** The faults that it can make. */
  readonly offers: readonly Fault[]
  /** Makes a fault strike the next requests. */
  inject(fault: Fault, options?: FaultOptions): void
  /** Ends the fault. Delayed requests and answers still arrive. It resolves once connections are accepted again. */
  heal(): Promise<void>
  /** How many times a fault has struck. A case that injects a fault must check that it struck. */
  readonly struck: number
  /** How many requests have gone to the server. Absent if they cannot be counted. */
  readonly requests?: number
}
