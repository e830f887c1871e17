import type {
  createSessions,
  Seal,
  Serializer,
  SessionKey,
  SessionRecord,
  Sessions,
  SessionsOptions,
  SessionStore,
  Subject,
} from '@sess/core'
import type { Fault, Faults } from './fault-switch.ts'
import type { Task } from './task.ts'

/** The clauses of the contract, for a store, a serializer, or sessions over a store. */
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

/**
 * The way in which a case tries its rule: by one `example`, by random calls against a `model`, by a `history` of several clients
 * that is checked for linearizability, or under a `fault`.
 */
export type Layer = 'example' | 'model' | 'history' | 'fault'

/** Opens and closes the store for the kit. The author of an adapter writes it. */
export interface Harness {
  /** The name of the adapter, for reports. */
  readonly name: string
  /**
   * Begins the things that all namespaces share, such as a server. The kit calls it once, before its other calls of the harness, and
   * does not call it in its other processes.
   */
  begin?(): Promise<void>
  /** Ends the things that `begin` began. The kit calls it once, after the last case, also if some cases failed. */
  end?(): Promise<void>
  /** Opens an empty namespace. Nothing that is written in one namespace may be seen in another. */
  open(): Promise<Space>
  /**
   * A module that lets another process reach the same data: it exports `connect(argument)`, which resolves to a
   * {@link Connection}. Leave it out for a store that lives in one process.
   */
  readonly process?: { readonly module: URL | string }
  /**
   * The rules that the store is known to break, by the id of the case. The kit runs each of these cases, and each must fail: a case
   * that passes fails the run, and an unknown id is an error of the harness.
   */
  readonly deviations?: Readonly<Record<string, Deviation>>
  /**
   * The seal of sessions over the store, if the seal is on trial as well. Default: none; in the cases on ciphertext, the kit's own
   * AES-256-GCM.
   */
  readonly seal?: Seal
  /**
   * The factor of the sizes in the cases of the clause `scale`, above 0 and at most 1, for an emulator that is much slower than the
   * real server. The report prints it. Default: 1.
   */
  readonly scale?: number
  /** Versions for the report: of the adapter, its driver, its server. The kit calls it once, before the first case. */
  versions?(): Promise<Readonly<Record<string, string>>>
}

/** The reason for which a store breaks a rule, and the place of the argument. */
export interface Deviation {
  readonly reason: string
  /** A URL, or the path of a document. */
  readonly issue: string
}

/** One namespace. */
export interface Space {
  readonly store: SessionStore
  /** Opens another client of the same data. If the harness names no process module, this may be the same store. */
  connect(): Promise<SessionStore>
  /** Sends a command through the driver's client of a store that `connect` gave, past the store. It rejects if that client has ended. */
  ping?(store: SessionStore): Promise<unknown>
  /** The argument of `connect` of the process module. Required if the harness names a process module. */
  readonly argument?: string
  /** Stops the server and starts it again, with its data or without. It resolves once the server takes connections. */
  restart?(): Promise<void>
  /** Reads and writes the stored bytes past the store. */
  readonly raw?: Raw
  /** The index of subjects, past the store. For a store that keeps an index apart from the records. */
  readonly index?: Index
  /** Makes faults between `store` and its server. If it is absent, the kit makes faults in front of the store. */
  readonly faults?: Faults
  /** Fills the place where sessions are stored. For stores in which a write can fail at its end, such as stores on a disk. */
  readonly full?: Full
  /** Makes the server that `store` talks to a replica, which keeps its connections, answers reads and refuses writes. */
  readonly demotion?: Demotion
  /** Closes everything that was opened, and removes everything that was written. */
  close(): Promise<void>
}

/** Access to the stored bytes past the store, for the cases on hostile bytes and on stolen backups. */
export interface Raw {
  /** Reads the stored value that holds the payload, with all else in that value. Undefined if there is no value. */
  read(key: SessionKey): Promise<Uint8Array | undefined>
  /** Overwrites that stored value. */
  write(key: SessionKey, bytes: Uint8Array): Promise<void>
  /** Reads everything that is stored in the namespace: keys, indexes and values, in any order. */
  dump(): Promise<Uint8Array>
}

/** A store's index of subjects, past the store. */
export interface Index {
  /** Removes the index entries of a subject, as an eviction would. */
  lose(subject: Subject): Promise<void>
  /** The number of index entries of a subject. */
  size(subject: Subject): Promise<number>
}

/** Fills the place where sessions are stored, and frees it. */
export interface Full {
  /** Leaves no room, or almost none. Reads must still work. */
  fill(): Promise<void>
  /** Frees the room again. */
  free(): Promise<void>
}

/** Demotes the server: after a failover the old master may be a replica to which clients are still connected. */
export interface Demotion {
  /** Makes the server a read-only replica. It still answers reads from its own data, and keeps its connections. */
  demote(): Promise<void>
  /** Makes the server the master again. */
  promote(): Promise<void>
}

/** A store in another process. */
export interface Connection {
  readonly store: SessionStore
  /**
   * Sends a command through the driver's own client, past the store. It rejects if that client has ended. Leave it out if the store
   * opens its client itself.
   */
  ping?(): Promise<unknown>
  /** Closes the store and its client. Afterwards nothing may keep the process alive. */
  close(): Promise<void>
}

/** The argument of a case. It records every call of its stores in the timeline of the case. */
export interface CaseContext {
  readonly harness: Harness
  readonly space: Space
  readonly store: SessionStore
  /** The time at which the case began, in ms since the epoch. Stores take the time as an argument, so a case can move it. */
  readonly now: number
  /** The seed of random choices: the same seed makes the same choices. */
  readonly seed: number
  /** The start of a random search: fast-check's path of a counter-example. */
  readonly path?: string
  /** The number of rounds to make: `full`, or fewer in a quick run, and at least one. */
  rounds(full: number): number
  /** Makes a key that no other case uses. @param tag - Default: a new tag. */
  key(tag?: string): SessionKey
  /** Makes a record that expires a minute after `now`. */
  record(parts?: Partial<SessionRecord>): SessionRecord
  /** Makes sessions over the store or over another client of it. `time.now` is their clock. */
  sessions(time?: { now: number }, store?: SessionStore, options?: Partial<SessionsOptions>): Sessions
  /**
   * Returns a store with faults of these kinds. The faults are at its socket if the harness can make one of them there, and otherwise
   * in front of the store.
   */
  faulty(...faults: readonly Fault[]): { readonly store: SessionStore; readonly faults: Faults }
  /** Runs one task, or a task for each index, in `count` other processes at once. It resolves to their answers. */
  processes(count: number, task: Task | ((index: number) => Task)): Promise<unknown[]>
}

/** A rule of the contract, and the code that tries it. */
export interface Case {
  /** The id, such as `clock/sweep`: the clause, and a name. */
  readonly id: string
  readonly clause: Clause
  readonly layer: Layer
  /** The rule, in one sentence. */
  readonly text: string
  /** The subject of the trial: a store by itself, or sessions over it. */
  readonly subject: 'store' | 'sessions'
  /**
   * The longest time without a call that begins or ends, in ms. It grows with {@link RunOptions.patience}, and on a machine that is
   * slow or busy. The whole case may take five times as long. Default: 60,000.
   */
  readonly patience?: number
  /** Returns the evidence that the case does not apply to a store. Undefined if the case applies. */
  readonly requires?: (context: CaseContext) => string | undefined | Promise<string | undefined>
  /** Tries the rule. It throws an error of node:assert if the rule is broken, and {@link Inconclusive} if it could not be judged. */
  readonly run: (context: CaseContext) => Promise<void>
}

/** A rule for serializers, and the code that tries it. */
export interface SerializerCase {
  readonly id: string
  readonly clause: 'serialization'
  readonly layer: 'example' | 'model'
  readonly text: string
  readonly subject: 'serializer'
  readonly run: (serializer: Serializer, context: Pick<CaseContext, 'seed' | 'path' | 'rounds'>) => void | Promise<void>
}

/** Options of a run. */
export interface RunOptions {
  /** The seed of random choices. Default: a random seed. */
  readonly seed?: number
  /** The path of a counter-example, at which a random search starts. */
  readonly path?: string
  /** The share of rounds that random cases make, above 0 and at most 1. Default: 1. */
  readonly effort?: number
  /**
   * The longest time that a call into the store may take without a request to its server, or a call into the harness, in ms. The kit
   * measures the speed of the machine at the start, and waits longer on a slow machine. Default: 15,000, which is longer than core
   * waits for a store.
   */
  readonly patience?: number
  /** The function that makes the sessions on trial. Default: `createSessions` of core. */
  readonly createSessions?: typeof createSessions
}
