import type { Seal, SessionKey, SessionRecord, Serializer, Sessions, SessionStore } from '@sess/core'

/** The clauses that a store, a serializer, or sessions over a store are held to. */
export type Clause =
  | 'identity'
  | 'round-trip'
  | 'clock'
  | 'races'
  | 'rotation-login'
  | 'subjects'
  | 'serialization'
  | 'hostile-bytes'
  | 'faults'
  | 'scale'
  | 'life-cycle'

/** What an adapter's author writes: how to get at the store. */
export interface Harness {
  /** The name of the adapter, for reports. */
  readonly name: string
  /** Opens an empty namespace: what is written in one is never seen in another. */
  open(): Promise<Space>
  /**
   * A module that lets another process reach the same data: it exports `connect(argument)`, which resolves to a
   * {@link Connection}. Leave it out for a store that lives in one process.
   */
  readonly process?: { readonly module: URL | string }
  /** What sessions over the store are sealed with, where the seal is on trial as well. */
  readonly seal?: Seal
}

/** One namespace. */
export interface Space {
  readonly store: SessionStore
  /** Another client of the same data; for a store that lives in one process, the same store. */
  connect(): Promise<SessionStore>
  /** What `connect` of the process module is given, as text. Needed where the harness names one. */
  readonly argument?: string
  /** Ends everything that was opened, and removes what was written. */
  close(): Promise<void>
}

/** A store in another process. */
export interface Connection {
  readonly store: SessionStore
  /** After it nothing may keep the process alive. */
  close(): Promise<void>
}

/** What a case is run with. */
export interface CaseContext {
  readonly harness: Harness
  readonly space: Space
  readonly store: SessionStore
  /** The time at which the case began, in ms since the epoch. Cases move it by themselves: stores are told the time. */
  readonly now: number
  /** A key that no other case uses. */
  key(tag?: string): SessionKey
  /** A record that lives for a minute from `now`. */
  record(parts?: Partial<SessionRecord>): SessionRecord
  /** Sessions over the store, or over another client of it, with a clock that `time.now` sets. */
  sessions(time?: { now: number }, store?: SessionStore): Sessions
  /** Runs a task in this many other processes at once. Resolves to what each answered. */
  processes(count: number, task: Task): Promise<unknown[]>
}

/** What another process may be asked to do. */
export type Task =
  /** Adds one, this many times, by read and replace. Answers how often it had to try again. */
  | { readonly kind: 'increment'; readonly key: SessionKey; readonly times: number; readonly now: number }
  /** Creates each key. Answers which it won. */
  | { readonly kind: 'create'; readonly keys: readonly SessionKey[]; readonly expiresAt: number; readonly now: number }
  /** Replaces until the record is missing, and then on, this many times. Answers what the last ones said. */
  | { readonly kind: 'replace-past-delete'; readonly key: SessionKey; readonly after: number; readonly now: number }
  /** Reads, and closes. */
  | { readonly kind: 'read'; readonly key: SessionKey; readonly now: number }

/** One rule of the contract, and the code that tries it. */
export interface Case {
  /** `clause/what`. */
  readonly id: string
  readonly clause: Clause
  /** The rule, in one sentence. */
  readonly text: string
  /** What is on trial: a store by itself, or sessions over it. */
  readonly subject: 'store' | 'sessions'
  /** Why the case does not apply to a store, as evidence; undefined when it does. */
  readonly requires?: (context: CaseContext) => string | undefined | Promise<string | undefined>
  /** Throws, by node:assert, where the rule is broken. */
  readonly run: (context: CaseContext) => Promise<void>
}

/** One rule for serializers. */
export interface SerializerCase {
  readonly id: string
  readonly clause: 'serialization'
  readonly text: string
  readonly subject: 'serializer'
  readonly run: (serializer: Serializer) => void
}

/** How a case went. `not-applicable` says by what evidence; `harness-error`: the harness fell short, not the store. */
export type Result =
  | { readonly status: 'pass' }
  | { readonly status: 'fail'; readonly error: unknown }
  | { readonly status: 'not-applicable'; readonly evidence: string }
  | { readonly status: 'harness-error'; readonly error: unknown }
