import type { SessErrorCode } from './error.ts'

/** Why a cookie value was not accepted. */
export type RejectionReason = 'malformed' | 'unknown' | 'mismatched' | 'superseded' | 'expired' | 'undecodable'

/** The events. No event carries a secret or data. `handle` is absent if no record is known. */
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
  /** A user signed in. `previous`: the handle of the session before the sign-in, if there was one. */
  login: { readonly handle: string; readonly subject: string; readonly previous?: string }
  /** A request ended its own session. */
  logout: { readonly handle: string; readonly subject?: string }
  /** A session (`handle`), or all sessions of a user (`subject`), were revoked. `count`: how many, if the store can tell. */
  revoked: { readonly handle?: string; readonly subject?: string; readonly count?: number }
  /** An operation failed. `operation` names it, such as `read`. */
  error: {
    readonly code: SessErrorCode
    readonly operation: string
    readonly error: unknown
    readonly handle?: string
  }
  /** A request had several cookies of the session's name, for instance after a change of the cookie's domain or path. From a binding. */
  duplicate_cookies: { readonly count: number; readonly handle?: string }
  /** A Secure cookie was to be set in the response to a request that looks like plain http. From a binding. */
  insecure: { readonly message: string }
  /**
   * The application used the session for the first time after the head of the response had left, and a shared cache may store the
   * response. Use the session earlier, or pass `private: true` to the binding. From a binding.
   */
  uncacheable_late: { readonly handle?: string }
}
