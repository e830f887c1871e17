import type { Outcome, Session, Sessions, SessionsEvents } from './api.ts'
import { describe, invalid } from './option-check.ts'

/**
 * Where a session, and an application's sessions, carry what their bindings need. A registered symbol: of two copies of core
 * in one process, each finds what the other made.
 */
export const BINDING: unique symbol = Symbol.for('@sess/core/binding')

/** What the browser's cookie needs, as of now. */
export type CookieChange =
  | {
      readonly action: 'set'
      readonly value: string
      /** Time left to the absolute expiry, in ms; absent for a browser-session cookie. */ readonly maxAgeMs?: number
    }
  | { readonly action: 'remove' }

/** Options of {@link SessionBinding.closeCookie}. */
export interface CloseCookieOptions {
  /**
   * The head left as the application made it, and a shared cache may store the response. If the session is used for the
   * first time after that, an `uncacheable_late` event and a log entry say so. Default: false.
   */
  readonly shared?: boolean
}

/** An operation that failed, and what has happened since. */
export interface SessionFailure {
  readonly error: unknown
  /** The application waited for the operation, and so has been told. */
  readonly heard: boolean
  /** The application has changed the session since. What it had changed before was tried, and is not written. */
  readonly changed: boolean
}

/** What a binding needs of one session. Nothing here counts as use. */
export interface SessionBinding {
  /**
   * Whether the application used the session in this request: it read a property, called a method, looked into the session
   * (`in`, spread, inspect), or passed it to `revokeSubject` or `signal`. A response whose session was not used is left as it is.
   */
  readonly used: boolean
  /** Counts the session as used: for a route whose response is private whatever its handler does. */
  markUsed(): void
  /** As `Session.status`. */
  readonly status: Session['status']
  /** As `Session.handle`. */
  readonly handle: string | undefined
  /** False while {@link commit} would do nothing, so that a response need not wait for it. */
  readonly needsCommit: boolean
  /**
   * The last operation, if it failed and had tried to write or could not be written: a binding need not try the same again
   * for an application that has been told. Undefined once an operation succeeds.
   */
  readonly failure: SessionFailure | undefined
  /** What the browser's cookie needs, as of now; undefined: nothing. */
  readonly cookieChange: CookieChange | undefined
  /**
   * As `Session.commit`; nothing for a session that was not used, not even a move of its idle clock. From the first call of {@link bindingOf} on, an operation of the session that fails and that nobody
   * awaited is no unhandled rejection: the next commit rejects with its error.
   */
  commit(): Promise<Outcome>
  /**
   * Says that the response's headers have left. From now on whatever would need a new cookie throws `response_started` and
   * writes nothing; changes to a session whose cookie the browser has are still written.
   */
  closeCookie(options?: CloseCookieOptions): void
  /**
   * 32 bytes that follow from the session's present secret, for what is bound to the session, such as a token against CSRF. They
   * change whenever the secret does (`login`, `regenerate`), and nothing is stored for them. Only who reads the store could compute
   * them. A new session has no secret yet: the call chooses it, and the next commit creates the session, though it be empty.
   *
   * @param purpose - Tells apart what is derived for different ends.
   * @returns Undefined where the request has no session to bind to: it is superseded, or gone.
   * @throws {SessError} `session_destroyed`; `response_started` for a new session, once the head has left.
   */
  keyFor(purpose: string): Uint8Array | undefined
  /** What {@link keyFor} gives for the present secret, and for earlier ones whose window (`keepOldFor`) is open. None: nothing is valid. */
  keysFor(purpose: string): readonly Uint8Array[]
  /** Reports an event of the binding's. */
  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void
}

/** What a binding needs of an application's sessions. */
export interface SessionsBinding<Data extends object = Record<string, unknown>> {
  /**
   * Loads the session of a request's cookie values: those of one name, in the order in which the browser sent them. The first
   * whose secret is current or kept counts; if none is and one is superseded, the session is superseded. `logout` and `destroy`
   * end every session that one of the values opens with its current secret; none but the first gives data to a login.
   *
   * At most four distinct values are tried, one after the other, all within one `storeTimeout`; a further one is not looked at.
   * More than one is a `duplicate_cookies` event.
   *
   * @throws {SessError} As `Sessions.load`, for any of the values that are tried.
   */
  load(cookieValues: readonly string[]): Promise<Session<Data>>
  /** Reports an event of the binding's. */
  report<Name extends keyof SessionsEvents>(name: Name, event: SessionsEvents[Name]): void
}

/**
 * What a binding needs of a session.
 *
 * @throws {SessError} `invalid_option` for anything but a session.
 */
export function bindingOf<Data extends object>(session: Session<Data>): SessionBinding {
  return found(session, 'session', 'a session, as sessions.load(cookieValue) gives') as SessionBinding
}

/**
 * What a binding needs of what `createSessions` returned.
 *
 * @throws {SessError} `invalid_option` for anything else.
 */
export function sessionsBindingOf<Data extends object>(sessions: Sessions<Data>): SessionsBinding<Data> {
  return found(sessions, 'sessions', 'what createSessions({ store }) returned') as SessionsBinding<Data>
}

function found(holder: unknown, name: string, what: string): unknown {
  const binding = (holder as { readonly [BINDING]?: unknown } | null | undefined)?.[BINDING]
  if (!binding) throw invalid(name, `must be ${what}, and is ${describe(holder)}`)
  return binding
}
