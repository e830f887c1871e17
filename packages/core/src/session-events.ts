import type { SessErrorCode } from './error.ts'

/** Why a cookie value was not accepted. */
export type RejectionReason = 'malformed' | 'unknown' | 'mismatched' | 'superseded' | 'expired' | 'undecodable'

/** The events, for audit. None carries a secret or data. `handle` is absent where no record is known. */
export interface SessionsEvents {
  /** A record was created. */
  created: { readonly handle: string; readonly subject?: string }
  /** A cookie value was not accepted. */
  rejected: {
    readonly reason: RejectionReason
    readonly handle?: string
    readonly subject?: string
  }
  /** Two requests changed the same top-level key. */
  conflict: { readonly handle: string; readonly subject?: string; readonly key: string }
  /** A session got a new secret. */
  rotated: { readonly handle: string; readonly subject?: string }
  /** A subject signed in. `previous`: the handle of the session that it came from, where there was one. */
  login: { readonly handle: string; readonly subject: string; readonly previous?: string }
  /** A session was ended by its own request. */
  logout: { readonly handle: string; readonly subject?: string }
  /** A session (`handle`), or a subject's sessions, were revoked. `count`: how many, where the store can tell. */
  revoked: { readonly handle?: string; readonly subject?: string; readonly count?: number }
  /** Something failed. `operation` is what core was doing. */
  error: {
    readonly code: SessErrorCode
    readonly operation: string
    readonly error: unknown
    readonly handle?: string
  }
  /** A request had several cookies of the session's name, as after a change of the cookie's domain or path. From a binding. */
  duplicate_cookies: { readonly count: number; readonly handle?: string }
  /** A Secure cookie would go out on a request that looks like plain http. From a binding. */
  insecure: { readonly message: string }
  /**
   * A session was used for the first time after its response's head had left, as one that a shared cache may store. From a
   * binding; use the session earlier, or pass the binding's option `private: true`.
   */
  uncacheable_late: { readonly handle?: string }
}
