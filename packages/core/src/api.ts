import type { Duration } from './duration.ts'
import type { SessionsEvents } from './session-events.ts'

/**
 * What a write did.
 *
 * - `created`: a new record was stored.
 * - `saved`: the changes were stored.
 * - `touched`: nothing had changed; the expiry of the session was moved.
 * - `unchanged`: there was nothing to do.
 * - `gone`: the session was deleted or has expired; nothing was written.
 * - `superseded`: another request replaced the secret of this request; nothing was written.
 */
export type OutcomeStatus = 'created' | 'saved' | 'touched' | 'unchanged' | 'gone' | 'superseded'

/** The outcome of a write. */
export interface Outcome {
  readonly status: OutcomeStatus
  /** The cookie value to send to the browser: present once this session object has made a new secret. */
  readonly cookieValue?: string
}

/** Options of {@link Session.login}. The defaults are the options of `createSessions`. */
export interface LoginOptions {
  /** The session ends after this time without use; `false`: it has no idle timeout. */
  readonly idleTimeout?: Duration | false
  /** The session ends after this time, however much it is used. */
  readonly absoluteTimeout?: Duration
  /** False: the browser drops the cookie when it closes. */
  readonly persistent?: boolean
  /** The text for this session in a list of devices: up to 256 characters. */
  readonly label?: string
  /** More about the client for a list of devices, such as `{ platform: 'macOS' }`: up to 16 texts of up to 256 characters. */
  readonly client?: Readonly<Record<string, string>>
}

/** Options of {@link Session.regenerate}. */
export interface RegenerateOptions {
  /** How long the old secret can still read, write and end this session; at most 60 s. Default: 0. */
  readonly keepOldFor?: Duration
}

/**
 * The session of one request. Any access to the object counts as use. If the session was used, a binding makes the response
 * private; if it was not used, a binding leaves the response alone, and neither commits nor touches the session.
 *
 * An assignment to any property but `data` throws; the message says which method to call instead.
 *
 * `Data` is the type of `data`: `Partial` of the type argument of `createSessions`, or the output type of its schema.
 */
export interface Session<Data extends object = Record<string, unknown>> {
  /**
   * The session's data: a plain object, the same object at each access. An assignment to `data` replaces all keys. A top-level
   * key that is set to `undefined` is deleted. {@link commit} writes the changes.
   *
   * @throws {SessError} `session_destroyed` after {@link destroy}. `invalid_data` if the stored data does not fit the schema,
   *   or if `migrate` threw: assign `data` to replace all stored keys. Only `data`, `update` and a commit of invalid changes
   *   throw it; all other members still work.
   */
  get data(): Data
  set data(value: Data)

  /** The name of the session in lists and logs: 28 base64url characters. It is no credential. Undefined while nothing is stored. */
  readonly handle: string | undefined
  /** `superseded`: the cookie has a secret that another request has replaced; the session is empty and is not saved. */
  readonly status: 'new' | 'active' | 'superseded' | 'destroyed'
  /** The ID of the user who is signed in, as passed to {@link login}. */
  readonly subject: string | undefined
  /** When the session was created, in ms since the epoch. */
  readonly createdAt: number
  /** When the subject signed in, in ms since the epoch. */
  readonly authenticatedAt: number | undefined
  /** When the session ends if nobody uses it, in ms since the epoch. */
  readonly expiresAt: number

  /**
   * Writes the changes since the session was loaded, by compare-and-set. If another request wrote meanwhile, the top-level
   * changes of this request are merged into the stored data. Without changes it writes nothing, or touches the session (see
   * `touchAfter`).
   *
   * @throws {SessError} `unserializable`, `invalid_data` and `too_large` before anything is written; `conflict`,
   *   `store_unavailable`, `store_full`; `unknown_outcome`: call `commit()` again, and it settles the same write.
   */
  commit(): Promise<Outcome>

  /**
   * Reads, changes and writes atomically: the pending changes and `change` are one compare-and-set.
   *
   * @param change - A synchronous function. It runs again on newer data when another request wrote first.
   * @throws {SessError} As {@link commit}. After `unknown_outcome`, another `update` is another write.
   */
  update(change: (data: Data) => void): Promise<Outcome>

  /**
   * Signs a user in: the session gets a new secret, and both timeouts start again. The data of an anonymous session is kept;
   * the data of another user's session is dropped. When it resolves, the user is signed in; otherwise it throws.
   *
   * @param subject - Your ID of the user: 1 to 1,024 bytes of UTF-8.
   * @throws {SessError} `conflict`, `unknown_outcome`, `store_unavailable`, `response_started`, `invalid_option`.
   * @see https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#renew-the-session-id-after-any-privilege-level-change
   */
  login(subject: string, options?: LoginOptions): Promise<Outcome>

  /**
   * Gives the session a new secret, and writes pending changes with it. Call it when the user's permissions change.
   *
   * @throws {SessError} As {@link commit}; `response_started` once the response's head has left.
   */
  regenerate(options?: RegenerateOptions): Promise<Outcome>

  /** Deletes the session. The object becomes a new, empty session, so that you can still leave a flash message. */
  logout(): Promise<void>

  /** Deletes the session. Afterwards the object can only `login`. */
  destroy(): Promise<void>

  /**
   * Leaves a message that this or a later request reads once. The next commit stores it.
   *
   * @param message - Any value that JSON can hold, even if the data has another serializer.
   * @throws {SessError} `unserializable`; the message names the path.
   */
  flash(name: string, message: unknown): void
  /**
   * Returns the messages that were left under a name, oldest first. The next commit removes them.
   *
   * `Message` is the type that you expect, as in `flashed<string>('notice')`. Nothing checks it.
   */
  flashed<Message = unknown>(name: string): Message[]

  /**
   * Throws unless the user signed in recently. Call it before a sensitive action.
   *
   * @throws {SessError} `not_fresh` if nobody is signed in, or if the sign-in is longer ago than `maxAge`.
   */
  requireFresh(maxAge: Duration): void
}

/** One session of a user, as {@link Sessions.listSubject} gives it. Times are in ms since the epoch. */
export interface SessionInfo {
  /** The argument for {@link Sessions.revoke}. It is no credential. */
  readonly handle: string
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly authenticatedAt: number | undefined
  readonly expiresAt: number
  /** The time of the last write or touch, accurate to `touchAfter`. Undefined for a session without an idle timeout. */
  readonly lastSeenAt: number | undefined
  readonly persistent: boolean
}

/** Whose session {@link Sessions.revoke} may end. Give exactly one of the two options. */
export type RevokeOptions =
  | {
      /** Ends the session only if it belongs to this user. For a handle that came from a browser. */
      readonly subject: string
      readonly anySubject?: never
    }
  | {
      /** Ends the session of any user, and anonymous sessions. For an administrator. */
      readonly anySubject: true
      readonly subject?: never
    }

/**
 * Why a session ended, as the `reason` of a signal:
 *
 * - `ended`: `logout` or `destroy` in this process; or the session was never stored.
 * - `revoked`: `revoke`, `revokeSubject` or `notBefore`; or another process deleted the session, for whatever reason.
 * - `expired`: the session idled out, or reached its absolute timeout.
 * - `superseded`: another request replaced the secret of the session object, or another user signed in.
 */
export type EndReason = 'ended' | 'revoked' | 'expired' | 'superseded'

/** Options of {@link Sessions.signal}. */
export interface SignalOptions {
  /** How late the signal may notice that another process ended the session; at most 24 days. Default: `'30s'`. */
  readonly recheckEvery?: Duration
  /** When this signal aborts, the watch stops. Pass the `AbortSignal` of the connection, so that a closed connection costs nothing more. */
  readonly until?: AbortSignal
  /** The open connection counts as use: it touches the session once per `touchAfter`, until the absolute timeout. Default: false. */
  readonly keepAlive?: boolean
}

/** All sessions of an application: the result of `createSessions`. `Data` as in {@link Session}. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /**
   * Loads the session of a cookie value. A malformed, unknown, superseded or expired value gives a new session and a
   * `rejected` event; nothing is written.
   *
   * @throws {SessError} `store_unavailable` if the store cannot answer; an outage signs nobody out. `configuration`
   *   if the record is sound, but this process cannot read it. If the data does not fit the schema, there is an `error` event,
   *   and `session.data` throws `invalid_data`.
   */
  load(cookieValue: string | undefined): Promise<Session<Data>>

  /** Lists the live sessions of a user. @throws {SessError} `unsupported` if the store cannot list. */
  listSubject(subject: string): AsyncIterable<SessionInfo>

  /**
   * Ends one session by its handle. It does not read the payload, so it can also end a session that is damaged or that a newer
   * deploy wrote.
   *
   * @returns False if there is no such live session, or if it belongs to another user than `subject`.
   * @throws {SessError} `invalid_option` unless exactly one of `subject` and `anySubject: true` is given.
   */
  revoke(handle: string, options: RevokeOptions): Promise<boolean>

  /**
   * Ends all sessions of a user, except `options.except`: a session, or its handle. A handle costs one read, a session none.
   *
   * @returns How many sessions ended; undefined if the store cannot tell.
   * @throws {SessError} `unsupported` if the store cannot do it; `invalid_option` if `except` is not a live session
   *   of this user: then nothing was revoked.
   */
  revokeSubject(subject: string, options?: { readonly except?: Session<Data> | string }): Promise<number | undefined>

  /**
   * Returns a signal that aborts when the session ends, for a socket or a stream that outlives its request. The `reason` is an
   * {@link EndReason}. The signal aborts at once if this process ends the session, and within `recheckEvery` if another process
   * does. Each session is read once per interval, however many signals it has. If the store cannot answer, no signal aborts, and
   * there is an `error` event.
   *
   * If the session is not stored, the signal is aborted already. After `regenerate` or `login` of this session object its signals
   * go on with the new secret, unless another user signs in. The call counts as use of the session.
   *
   * @throws {SessError} `invalid_option`, also if `session` was not loaded by these sessions.
   */
  signal(session: Session<Data>, options?: SignalOptions): AbortSignal

  /** Counts the live sessions. @throws {SessError} `unsupported` if the store cannot count. */
  count(): Promise<number>

  /**
   * Removes expired records, in small batches. A timer calls it, unless `sweepEvery` is false.
   *
   * @returns How many records were removed; 0 if the backend removes them itself.
   */
  sweep(): Promise<number>

  /**
   * Ends the timers (see `sweepEvery`) and the watch of the signals; no signal aborts. Idempotent. You can still use sessions
   * afterwards. It does not close the store or its client: close them yourself, once this has resolved.
   */
  close(): Promise<void>

  /** Calls `listener` at each event of a name. @returns A function that stops listening. */
  on<Name extends keyof SessionsEvents>(name: Name, listener: (event: SessionsEvents[Name]) => void): () => void

  /** Calls `listener` at the next event of a name, and then no more. @returns A function that stops listening. */
  once<Name extends keyof SessionsEvents>(name: Name, listener: (event: SessionsEvents[Name]) => void): () => void
}

/** The type of a session of these sessions: `type AppSession = SessionOf<typeof sessions>`. */
export type SessionOf<S extends { load(cookieValue: string | undefined): Promise<unknown> }> = Awaited<
  ReturnType<S['load']>
>
