import type { SessionsEvents } from './session-events.ts'

export type { RejectionReason, SessionsEvents } from './session-events.ts'

/**
 * A duration: a number with a unit, such as `'250ms'`, `'90s'`, `'30m'`, `'12h'`, `'14d'`; or a bare number of milliseconds from
 * 1000, since a smaller one is somebody's seconds or minutes. 0 and `'0s'` where an option says what they mean.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/**
 * What a write did.
 *
 * - `created`: a new record was stored.
 * - `saved`: the changes were stored.
 * - `touched`: nothing changed, and the idle clock was moved.
 * - `unchanged`: nothing had to be done.
 * - `gone`: the session was deleted or has expired; nothing was written.
 * - `superseded`: the secret of this request was rotated away; nothing was written.
 */
export type OutcomeStatus = 'created' | 'saved' | 'touched' | 'unchanged' | 'gone' | 'superseded'

/** The outcome of a write. */
export interface Outcome {
  readonly status: OutcomeStatus
  /** The cookie value to hand to the browser: present once this session object has issued a new secret. */
  readonly cookieValue?: string
}

/** Options of {@link Session.login}. Left out: the defaults given to `createSessions`. */
export interface LoginOptions {
  /** Sliding lifetime of this session; `false`: it does not slide. */
  readonly idleTimeout?: Duration | false
  /** The lifetime that never slides. */
  readonly absoluteTimeout?: Duration
  /** False: the cookie goes when the browser closes. Default: true, or what `createSessions` was given. */
  readonly persistent?: boolean
  /** What a list of devices shows for this session: up to 256 characters. */
  readonly label?: string
  /** More about the client for such a list, such as `{ platform: 'macOS' }`: up to 16 hints of up to 256 characters. */
  readonly client?: Readonly<Record<string, string>>
}

/** Options of {@link Session.regenerate}. */
export interface RegenerateOptions {
  /** How long the old secret still reads, writes and ends this session; at most 60 s. Default: not at all. */
  readonly keepOldFor?: Duration
}

/**
 * A session, as one request sees it. Any access to it counts as use: a binding marks the response of a session that was used
 * as private, and leaves one alone whose session was not (no commit, no touch: its idle clock stands still).
 *
 * Assigning anything but `data` throws, and says what to call instead.
 *
 * `Data` is the type of `data`: `Partial` of the type argument of `createSessions`, or the output type of its schema.
 */
export interface Session<Data extends object = Record<string, unknown>> {
  /**
   * The session's data: a plain object that keeps its identity. Assigning it replaces all keys; a key that is set to
   * `undefined` at top level is deleted. Changes are written by {@link commit}.
   *
   * @throws {SessError} `session_destroyed` after {@link destroy}. `invalid_data` where the stored data does not fit the schema,
   *   or `migrate` threw at it: assign `data` to replace it, all stored keys included. Everything but `data`, `update` and
   *   a commit of invalid changes works as ever.
   */
  get data(): Data
  set data(value: Data)

  /** Names the session in lists and logs; no credential. Undefined while nothing is stored. */
  readonly handle: string | undefined
  /** `superseded`: the request carried a secret that was rotated away; the session is empty and is not saved. */
  readonly status: 'new' | 'active' | 'superseded' | 'destroyed'
  /** Who is signed in, as given to {@link login}. */
  readonly subject: string | undefined
  /** When the session was created, in ms since the epoch. */
  readonly createdAt: number
  /** When the subject signed in, in ms since the epoch. */
  readonly authenticatedAt: number | undefined
  /** When the session ends unless it is used, in ms since the epoch. */
  readonly expiresAt: number

  /**
   * Writes what changed since the session was loaded: compare-and-set; on a conflict, this request's top-level changes
   * are merged into what is there. Without changes it writes nothing, or moves the idle clock (see `touchAfter`).
   *
   * @throws {SessError} `unserializable`, `invalid_data` and `too_large` before anything is written; `conflict`,
   *   `store_unavailable`, `store_full`; `unknown_outcome`, after which another `commit()` settles the same write.
   */
  commit(): Promise<Outcome>

  /**
   * Atomic read-modify-write: pending changes and `change` in one compare-and-set.
   *
   * @param change - Synchronous; may run again on fresher data when another writer came between.
   * @throws {SessError} As {@link commit}; after `unknown_outcome`, another `update` is another write.
   */
  update(change: (data: Data) => void): Promise<Outcome>

  /**
   * Signs a subject in: a new secret, and the clocks restart. An anonymous session's data comes along; another
   * subject's never does. Ends signed in, or throws.
   *
   * @param subject - 1 to 1,024 bytes of UTF-8; your user's ID.
   * @throws {SessError} `conflict`, `unknown_outcome`, `store_unavailable`, `response_started`, `invalid_option`.
   * @see https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html#renew-the-session-id-after-any-privilege-level-change
   */
  login(subject: string, options?: LoginOptions): Promise<Outcome>

  /** Gives the session a new secret: on any change of role. Pending changes go with it. */
  regenerate(options?: RegenerateOptions): Promise<Outcome>

  /** Deletes the session. The object goes on as a new, empty one, for a flash message perhaps. */
  logout(): Promise<void>

  /** Deletes the session; final for this object, apart from `login`, which starts anew. */
  destroy(): Promise<void>

  /**
   * Leaves a message that is read once, by this or a later request. Stored by the next commit.
   *
   * @param message - Anything that JSON carries, whatever the serializer of the data.
   * @throws {SessError} `unserializable`, naming the path.
   */
  flash(name: string, message: unknown): void
  /**
   * Takes the messages left under a name, oldest first. They are removed by the next commit.
   *
   * `Message` is their type, as in `flashed<string>('notice')`. The compiler takes your word for it.
   */
  flashed<Message = unknown>(name: string): Message[]

  /**
   * Demands a recent sign-in, before an act that matters.
   *
   * @throws {SessError} `not_fresh` when nobody is signed in, or the sign-in is longer ago than `maxAge`.
   */
  requireFresh(maxAge: Duration): void
}

/** One of a subject's sessions, as {@link Sessions.listSubject} shows it. */
export interface SessionInfo {
  /** For {@link Sessions.revoke}; no credential. */
  readonly handle: string
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly authenticatedAt: number | undefined
  readonly expiresAt: number
  /** The last write or touch: as exact as `touchAfter`. Undefined for a session that does not slide. */
  readonly lastSeenAt: number | undefined
  readonly persistent: boolean
}

/** Whose session {@link Sessions.revoke} may end: exactly one of the two. */
export type RevokeOptions =
  | {
      /** Only a session of this subject: for a handle that came from a browser. */
      readonly subject: string
      readonly anySubject?: never
    }
  | {
      /** Anybody's session, signed in or not: for an administrator. */
      readonly anySubject: true
      readonly subject?: never
    }

/**
 * Why a session ended, as the `reason` of a signal:
 *
 * - `ended`: by its own logout in this process, or there never was a record.
 * - `revoked`: by `revoke`, `revokeSubject` or `notBefore`; by another process, whoever asked it.
 * - `expired`: past its time.
 * - `superseded`: the secret that the session object has was rotated away elsewhere.
 */
export type EndReason = 'ended' | 'revoked' | 'expired' | 'superseded'

/** Options of {@link Sessions.signal}. */
export interface SignalOptions {
  /** How late it may be noticed that another process ended the session; at most 24 days. Default: `'30s'`. */
  readonly recheckEvery?: Duration
  /** Stops watching when it aborts: the `AbortSignal` of the connection, so that a closed one costs nothing more. */
  readonly until?: AbortSignal
  /** The open connection counts as use: the idle clock moves, as `touchAfter` has it, to the absolute expiry at most. Default: false. */
  readonly keepAlive?: boolean
}

/** What `createSessions` returns. `Data` as in {@link Session}. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /**
   * Loads the session of a cookie value. A bad, unknown, superseded or expired value gives a new session, an event,
   * and no write.
   *
   * @throws {SessError} `store_unavailable` when the store cannot answer: an outage is not a logout. `configuration`
   *   when the record is sound and this process cannot read it. Data that does not fit the schema is an `error` event, and
   *   `invalid_data` once it is read.
   */
  load(cookieValue: string | undefined): Promise<Session<Data>>

  /** A subject's live sessions. @throws {SessError} `unsupported` where the store cannot list. */
  listSubject(subject: string): AsyncIterable<SessionInfo>

  /**
   * Ends one session by its handle. Its payload is not read: what a newer deploy wrote, or is damaged, can be revoked.
   *
   * @returns False if there is no such live session, or it is not theirs.
   * @throws {SessError} `invalid_option` unless exactly one of `subject` and `anySubject: true` is given.
   */
  revoke(handle: string, options: RevokeOptions): Promise<boolean>

  /**
   * Ends all sessions of a subject, `except` apart: a session, or its handle.
   *
   * @returns How many, where the store can tell.
   * @throws {SessError} `unsupported` where the store cannot; `invalid_option` for an `except` that names no live session
   *   of this subject: nothing was revoked. A handle costs one read, the session of this request none.
   */
  revokeSubject(subject: string, options?: { readonly except?: Session<Data> | string }): Promise<number | undefined>

  /**
   * A signal that aborts when the session ends, for what outlives a request: a socket, a stream. Its `reason` is an
   * {@link EndReason}. It aborts at once by what this process does, and within `recheckEvery` by what others do: each session is
   * read once per interval, however many signals it has. A store that cannot answer aborts nothing, and is an `error` event.
   *
   * A session without a record gives a signal that is aborted already. What the session object itself does to its secret
   * (`regenerate`, `login`) carries its signals along, unless another subject signs in. Counts as use of the session.
   *
   * @throws {SessError} `invalid_option`, also for what is no session of these sessions.
   */
  signal(session: Session<Data>, options?: SignalOptions): AbortSignal

  /** The number of live sessions. @throws {SessError} `unsupported` where the store cannot count. */
  count(): Promise<number>

  /**
   * Removes expired records, in small batches. This process does so by itself, unless `sweepEvery` is false.
   *
   * @returns How many; 0 where the backend does it by itself.
   */
  sweep(): Promise<number>

  /**
   * Ends the timers of these sessions (see `sweepEvery`) and their signals, of which none aborts for that. Idempotent; sessions can
   * be used on. The store and its client stay open: they are yours to close, once this has resolved.
   */
  close(): Promise<void>

  /** Listens to an event. @returns A function that stops listening. */
  on<Name extends keyof SessionsEvents>(name: Name, listener: (event: SessionsEvents[Name]) => void): () => void

  /** Listens to the next event of a name alone. @returns A function that stops listening. */
  once<Name extends keyof SessionsEvents>(name: Name, listener: (event: SessionsEvents[Name]) => void): () => void
}

/** The type of a session, by the name of the sessions: `type AppSession = SessionOf<typeof sessions>`. */
export type SessionOf<S extends { load(cookieValue: string | undefined): Promise<unknown> }> = Awaited<
  ReturnType<S['load']>
>
