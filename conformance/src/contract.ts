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

/**
 * How a case tries its rule: by one `example`, by random calls against a `model`, by a `history` of several clients that
 * is checked for linearizability, or under a `fault`.
 */
export type Layer = 'example' | 'model' | 'history' | 'fault'

/** What an adapter's author writes: how to get at the store. */
export interface Harness {
  /** The name of the adapter, for reports. */
  readonly name: string
  /**
   * Begins what all namespaces share: a server above all. Called once, before anything else is asked of the harness. Not
   * called in the kit's other processes.
   */
  begin?(): Promise<void>
  /** Ends what `begin` began. Called once, after the last case, also where some failed. */
  end?(): Promise<void>
  /** Opens an empty namespace: what is written in one is never seen in another. */
  open(): Promise<Space>
  /**
   * A module that lets another process reach the same data: it exports `connect(argument)`, which resolves to a
   * {@link Connection}. Leave it out for a store that lives in one process.
   */
  readonly process?: { readonly module: URL | string }
  /**
   * The rules that the store is known to break, by the case's id. Each is run, and must fail: one that passes fails the
   * run, and an id that is no case is a mistake of the harness.
   */
  readonly deviations?: Readonly<Record<string, Deviation>>
  /**
   * What sessions over the store are sealed with, where the seal is on trial as well. Default: none; in the cases on
   * ciphertext, a plain AES-256-GCM of the kit's own.
   */
  readonly seal?: Seal
  /**
   * The share of their size that the cases of the clause `scale` have, above 0, at most 1: for an emulator that is much slower
   * than the server it stands for. The report says so. Default: 1.
   */
  readonly scale?: number
  /** Versions for the report: of the adapter, its driver, its server. Asked once, before the first case. */
  versions?(): Promise<Readonly<Record<string, string>>>
}

/** Why a store breaks a rule, and where that is argued. */
export interface Deviation {
  readonly reason: string
  /** A URL, or the path of a document. */
  readonly issue: string
}

/** One namespace. */
export interface Space {
  readonly store: SessionStore
  /** Another client of the same data; for a store that lives in one process, the same store. */
  connect(): Promise<SessionStore>
  /** Asks something by the driver's client of a store that `connect` gave, past the store; rejects where that client was ended. */
  ping?(store: SessionStore): Promise<unknown>
  /** What `connect` of the process module is given, as text. Needed where the harness names one. */
  readonly argument?: string
  /** Stops the server and starts it again, with its data or without. Resolves once it takes connections. */
  restart?(): Promise<void>
  /** What is stored, past the store. */
  readonly raw?: Raw
  /** The index of subjects, past the store: where it keeps one apart from the records. */
  readonly index?: Index
  /** Trouble between `store` and its server. Where it is missing, the kit makes it in front of the store. */
  readonly faults?: Faults
  /** Makes the place where sessions are stored run full: where a write can fail at its end, on a disk above all. */
  readonly full?: Full
  /** Makes the server that `store` talks to a replica, which keeps its connections, answers reads and refuses writes. */
  readonly demotion?: Demotion
  /** Ends everything that was opened, and removes what was written. */
  close(): Promise<void>
}

/** The stored bytes, past the store: for the cases on hostile bytes, and on what can be read in a stolen backup. */
export interface Raw {
  /** The bytes that hold the payload, with whatever is stored in one value with it; undefined where there are none. */
  read(key: SessionKey): Promise<Uint8Array | undefined>
  /** Overwrites those bytes. */
  write(key: SessionKey, bytes: Uint8Array): Promise<void>
  /** Everything that is stored in the namespace: keys, indexes and values, in any order. */
  dump(): Promise<Uint8Array>
}

/** A store's index of subjects, past the store. */
export interface Index {
  /** Loses what the index holds of a subject, as an eviction would. */
  lose(subject: Subject): Promise<void>
  /** How many entries it holds of a subject. */
  size(subject: Subject): Promise<number>
}

/** The place where sessions are stored, and its room. */
export interface Full {
  /** Leaves no room, or almost none. Reads go on. */
  fill(): Promise<void>
  /** Gives the room back. */
  free(): Promise<void>
}

/** The server's part among others: after a failover the old master may be a replica to which clients are still connected. */
export interface Demotion {
  /** Makes it a read-only replica: it goes on to answer reads with what it has, and connections stay. */
  demote(): Promise<void>
  /** Makes it the master again. */
  promote(): Promise<void>
}

/** A store in another process. */
export interface Connection {
  readonly store: SessionStore
  /**
   * Asks the server or the file something by the driver's own client, past the store; rejects where that client was ended.
   * Leave it out where the store opens its client itself.
   */
  ping?(): Promise<unknown>
  /** After it nothing may keep the process alive. */
  close(): Promise<void>
}

/** What a case is run with. Every call of a store that it gives is in the case's timeline. */
export interface CaseContext {
  readonly harness: Harness
  readonly space: Space
  readonly store: SessionStore
  /** The time at which the case began, in ms since the epoch. Cases move it by themselves: stores are told the time. */
  readonly now: number
  /** What random choices are made from: the same seed makes the same choices. */
  readonly seed: number
  /** Where a random search goes on: fast-check's path of a counter-example. */
  readonly path?: string
  /** How many rounds to make of this many: all, or fewer in a quick run; at least one. */
  rounds(full: number): number
  /** A key that no other case uses. */
  key(tag?: string): SessionKey
  /** A record that lives for a minute from `now`. */
  record(parts?: Partial<SessionRecord>): SessionRecord
  /** Sessions over the store, or over another client of it, with a clock that `time.now` sets, and other options. */
  sessions(time?: { now: number }, store?: SessionStore, options?: Partial<SessionsOptions>): Sessions
  /**
   * A store that trouble of these kinds can be made for: at its socket where the harness can make one of them there, else in
   * front of it.
   */
  faulty(...faults: readonly Fault[]): { readonly store: SessionStore; readonly faults: Faults }
  /** Runs a task, or one for each, in this many other processes at once. Resolves to what each answered. */
  processes(count: number, task: Task | ((index: number) => Task)): Promise<unknown[]>
}

/** One rule of the contract, and the code that tries it. */
export interface Case {
  /** `clause/what`. */
  readonly id: string
  readonly clause: Clause
  readonly layer: Layer
  /** The rule, in one sentence. */
  readonly text: string
  /** What is on trial: a store by itself, or sessions over it. */
  readonly subject: 'store' | 'sessions'
  /**
   * For how long nothing may happen in it, in ms; longer in proportion where {@link RunOptions.patience} is raised, and on a
   * machine that is slow or busy. It may take five times as long in all. Default: 60,000.
   */
  readonly patience?: number
  /** Why the case does not apply to a store, as evidence; undefined when it does. */
  readonly requires?: (context: CaseContext) => string | undefined | Promise<string | undefined>
  /** Throws, by node:assert, where the rule is broken; {@link Inconclusive} where it could not find out. */
  readonly run: (context: CaseContext) => Promise<void>
}

/** One rule for serializers. */
export interface SerializerCase {
  readonly id: string
  readonly clause: 'serialization'
  readonly layer: 'example' | 'model'
  readonly text: string
  readonly subject: 'serializer'
  readonly run: (serializer: Serializer, context: Pick<CaseContext, 'seed' | 'path' | 'rounds'>) => void | Promise<void>
}

/** How a case is run. */
export interface RunOptions {
  /** Default: a random one. */
  readonly seed?: number
  readonly path?: string
  /** The share of rounds that random cases make, above 0, at most 1. Default: 1. */
  readonly effort?: number
  /**
   * How long one call into the store may take in which it makes no request, or one into the harness, in ms on a machine of
   * the usual speed: the kit measures it at the start. Default: 15,000, longer than core ever waits.
   */
  readonly patience?: number
  /** What makes the sessions on trial. Default: core's. */
  readonly createSessions?: typeof createSessions
}
