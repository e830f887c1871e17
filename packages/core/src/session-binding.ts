import type { Outcome, Session, Sessions } from './api.ts'
import { describe, invalid } from './option-check.ts'
import type { SessionsEvents } from './session-events.ts'

/**
 * The property of a session, and of an application's sessions, that holds what bindings need. The symbol is registered, so that
 * two copies of core in one process find each other's property.
 */
export const BINDING: unique symbol = Symbol.for('@sess/core/binding')

/** What the response must do with the session cookie. */
export type CookieChange =
  | {
      readonly action: 'set'
      readonly value: string
      /** Time until the absolute expiry, in ms; absent if the browser is to drop the cookie when it closes. */ readonly maxAgeMs?: number
    }
  | { readonly action: 'remove' }

/** Options of {@link SessionBinding.closeCookie}. */
export interface CloseCookieOptions {
  /**
   * The head left without the session's header fields, and a shared cache may store the response. If the application uses the
   * session for the first time after that, there is an `uncacheable_late` event and a line in the log. A function is
   * called then, and not before. Default: false.
   */
  readonly shared?: boolean | (() => boolean)
}

/** An operation that failed, and what has happened since. */
export interface SessionFailure {
  readonly error: unknown
  /** The application awaited the operation, and so knows of the error. */
  readonly heard: boolean
  /** The application has changed the session since the failure. Its earlier changes were tried, and are not tried again. */
  readonly changed: boolean
}

/** What a binding needs of one session. No access to it counts as use of the session. */
export interface SessionBinding {
  /**
   * Whether the application used the session in this request: it read a property, called a method, looked into the session
   * (`in`, spread, inspect), or passed it to `revokeSubject` or `signal`. If not, a binding must leave the response as it is.
   */
  readonly used: boolean
  /** Counts the session as used: for a route whose response must always be private. */
  markUsed(): void
  /** As `Session.status`. */
  readonly status: Session['status']
  /** As `Session.handle`. */
  readonly handle: string | undefined
  /** False while {@link commit} would do nothing, so that a response need not wait for it. */
  readonly needsCommit: boolean
  /**
   * The error of the last operation, if it failed while it wrote or before it could write. A binding need not try the same changes
   * again if the application knows of the error. Undefined once an operation succeeds.
   */
  readonly failure: SessionFailure | undefined
  /** What the response must do with the session cookie now; undefined: nothing. */
  readonly cookieChange: CookieChange | undefined
  /**
   * As `Session.commit`, but does nothing if the session was not used: it does not even touch. After the first call of
   * {@link bindingOf}, a failed operation that nobody awaited is not an unhandled rejection; instead the next commit rejects with
   * its error.
   */
  commit(): Promise<Outcome>
  /**
   * Call it when the response's head has left. From then on an operation that would need a new cookie throws `response_started`
   * and writes nothing. Changes to a session whose cookie the browser has are still written.
   */
  closeCookie(options?: CloseCookieOptions): void
  /**
   * Derives 32 bytes from the session's present secret, for something that is bound to the session, such as a CSRF token. They
   * change with the secret (`login`, `regenerate`), and are not stored. Only somebody who can read the store could compute them.
   * A new session has no secret yet: the call makes one, and the next commit creates the session, even if it is empty.
   *
   * @param purpose - Different purposes give different bytes.
   * @returns Undefined if the request has no session to bind to: the session is superseded or gone.
   * @throws {SessError} `session_destroyed`; `response_started` for a new session, once the head has left.
   */
  keyFor(purpose: string): Uint8Array | undefined
  /**
   * The bytes of {@link keyFor} for each valid secret: the present one, and earlier ones during their `keepOldFor`. Empty if no
   * secret is valid.
   */
  keysFor(purpose: string): readonly Uint8Array[]
  /** Emits an event of the binding. */
  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void
}

/** What a binding needs of an application's sessions. */
export interface SessionsBinding<Data extends object = Record<string, unknown>> {
  /**
   * Loads the session of a request that may have several cookies of the name: their values, in the order in which the browser sent
   * them. The first value whose secret is current or kept opens the session. If there is none, but a superseded value, the session
   * is superseded. `logout` and `destroy` also end the sessions that the other values open with their current secret. A login takes
   * data from the first session only.
   *
   * At most four distinct values are tried, one after the other, all within one `storeTimeout`; further values are ignored.
   * Two or more values are a `duplicate_cookies` event.
   *
   * @throws {SessError} As `Sessions.load`, for any of the values that are tried.
   */
  load(cookieValues: readonly string[]): Promise<Session<Data>>
  /** Makes the session of a request without a cookie at once. Absent if `load([])` has to wait, as with a schema. */
  readonly begin?: () => Session<Data>
  /** Emits an event of the binding. */
  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void
}

/**
 * Returns what a binding needs of a session.
 *
 * @throws {SessError} `invalid_option` if the argument is not a session.
 */
export function bindingOf<Data extends object>(session: Session<Data>): SessionBinding {
  return found(session, 'session', 'a session, as sessions.load(cookieValue) gives') as SessionBinding
}

/**
 * Returns what a binding needs of an application's sessions.
 *
 * @throws {SessError} `invalid_option` if the argument is not the result of `createSessions`.
 */
export function sessionsBindingOf<Data extends object>(sessions: Sessions<Data>): SessionsBinding<Data> {
  return found(sessions, 'sessions', 'what createSessions({ store }) returned') as SessionsBinding<Data>
}

function found(holder: unknown, name: string, what: string): unknown {
  const binding = (holder as { readonly [BINDING]?: unknown } | null | undefined)?.[BINDING]
  if (!binding) throw invalid(name, `must be ${what}, and is ${describe(holder)}`)
  return binding
}
