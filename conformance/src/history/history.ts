/** What a client asked for, on one record. Payloads are told apart by a text that no two writes share. */
export type Call =
  | { readonly kind: 'read'; readonly fresh: boolean }
  | { readonly kind: 'create'; readonly payload: string; readonly expiresAt: number }
  | { readonly kind: 'replace'; readonly payload: string; readonly expiresAt: number; readonly expected: Version }
  | { readonly kind: 'touch'; readonly expiresAt: number; readonly expected: Version }
  | { readonly kind: 'delete' }
  | { readonly kind: 'revoke' }

/** A record, as far as histories look at it. */
export interface Version {
  readonly revision: number
  readonly payload: string
  readonly expiresAt: number
}

/** What a call answered: a version or `missing` for a read, a count or `done` for a revocation. */
export type Answer = Version | 'missing' | 'conflict' | 'replaced' | 'touched' | 'done' | boolean | number

/** One call, from before it was made until after it had answered. */
export interface Operation {
  /** Who called: `client 1`, `process 2`. */
  readonly client: string
  readonly call: Call
  /** Undefined: nobody knows whether it was done, or will be. */
  readonly answer: Answer | undefined
  /** In ms, on a clock that all clients share. */
  readonly from: number
  /** Infinity where the answer is not known. */
  readonly to: number
}
