/** A call of a client on one record. Each write has a payload with a text of its own. */
export type Call =
  | { readonly kind: 'read'; readonly fresh: boolean }
  | { readonly kind: 'create'; readonly payload: string; readonly expiresAt: number }
  | { readonly kind: 'replace'; readonly payload: string; readonly expiresAt: number; readonly expected: Version }
  | { readonly kind: 'touch'; readonly expiresAt: number; readonly expected: Version }
  | { readonly kind: 'delete' }
  | { readonly kind: 'revoke' }

/** The members of a record that histories compare. */
export interface Version {
  readonly revision: number
  readonly payload: string
  readonly expiresAt: number
}

/** The answer of a call: a version or `missing` for a read, a count or `done` for a revocation. */
export type Answer = Version | 'missing' | 'conflict' | 'replaced' | 'touched' | 'done' | boolean | number

/** One call and its times, from just before the call to just after its answer. */
export interface Operation {
  /** The caller: `client 1`, `process 2`. */
  readonly client: string
  /** The time that the caller gave, in ms since the epoch. Default: every record is live. */
  readonly now?: number
  readonly call: Call
  /** Undefined: it is not known whether the call was or will be applied. */
  readonly answer: Answer | undefined
  /** In ms, on a clock that all clients share. */
  readonly from: number
  /** Infinity if the answer is not known. */
  readonly to: number
}
