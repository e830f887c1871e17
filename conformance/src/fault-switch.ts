/** What can happen between a client and its server. */
export type Fault =
  /** The connection is lost before the request arrives. */
  | 'cut-before'
  /** The server does what it was asked; the connection is lost before the answer arrives. */
  | 'cut-after'
  /** The connection is lost in the middle of the answer. */
  | 'cut-mid-reply'
  /** Bytes of the answer are changed. */
  | 'corrupt-reply'
  /** The request arrives late, even if nobody waits for its answer any more. */
  | 'late'
  /** The answer arrives late. */
  | 'slow'
  /** Connections are lost, and new ones refused, until it heals. */
  | 'down'
  /** Connections stay open and new ones are taken, and nothing goes on in them until it heals: a server that was stopped. */
  | 'hang'

/** When trouble strikes, how often, and by how much. */
export interface FaultOptions {
  readonly times?: number
  readonly ms?: number
  readonly after?: number
}

/** The switch of a place where trouble can be made. */
export interface Faults {
  /** What it can do. */
  readonly offers: readonly Fault[]
  /**
   * Makes trouble for the next requests: for `times` of them, by default 1; `down` and `hang` last until it heals.
   *
   * @param options.ms - For `late` and `slow`: by how much. Default: 100.
   * @param options.after - How many requests pass first, for a call that makes several. Default: 0. `down` and `hang` begin
   * at once.
   */
  inject(fault: Fault, options?: FaultOptions): void
  /** Ends it. What is under way goes on. Resolves once connections are taken again. */
  heal(): Promise<void>
  /** How often it has struck. A case that expected trouble must see that it came. */
  readonly struck: number
  /** How many requests have gone to the server, where that can be told. */
  readonly requests?: number
}
