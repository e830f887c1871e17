/** What a command is made of: text, or bytes, which are always a Buffer. */
export type Argument = string | Uint8Array

/** Options of a command that override those of the client. */
export interface CommandOptions {
  /** Into what a reply's values are made, by their type on the wire. */
  readonly typeMapping: object
  /** How long the command may wait to be sent, in ms. */
  readonly timeout: number
  /** Whether it goes before those that wait to be sent. */
  readonly asap: boolean
  readonly abortSignal: AbortSignal
}

/** What a store calls of a client of `createClient`, the package `redis`; a node of a Cluster is one, too. */
export interface NodeRedisClient {
  /** Whether it was told to connect, and has not given up or been closed since. */
  readonly isOpen: boolean
  /** Whether commands go straight to a server. */
  readonly isReady: boolean
  readonly options?: object | undefined
  sendCommand(args: readonly Argument[], options?: CommandOptions): Promise<unknown>
  on(event: string | symbol, listener: (error: Error) => void): unknown
  off(event: string | symbol, listener: (error: Error) => void): unknown
}

/** What a store calls of a client of `createSentinel`. */
export interface NodeRedisSentinel {
  readonly isOpen: boolean
  /** Undefined while no connection to a master is ready. */
  getMasterNode(): object | undefined
  /** Runs a function with a connection to the master; again, where that was lost or is a replica now. */
  _execute<T>(isReadonly: boolean | undefined, run: (client: NodeRedisClient) => Promise<T>): Promise<T>
  on(event: string | symbol, listener: (error: Error) => void): unknown
  off(event: string | symbol, listener: (error: Error) => void): unknown
}

/** A master of a Cluster, as its client knows it. */
export interface NodeRedisMaster {
  readonly id: string
  /** None before it is first needed, where the client has `minimizeConnections`. */
  readonly client?: NodeRedisClient | undefined
}

/** What a store calls of a client of `createCluster`. */
export interface NodeRedisCluster {
  readonly isOpen: boolean
  /** Whether it knows its nodes and has connected to them once; version 5 does not say. */
  readonly isReady?: boolean
  readonly masters: readonly NodeRedisMaster[]
  /** The shard of each slot. */
  readonly slots: readonly ({ readonly master: NodeRedisMaster } | undefined)[]
  readonly _options: object
  nodeClient(node: never): Promise<NodeRedisClient>
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: Argument[],
    options?: CommandOptions,
  ): Promise<unknown>
  on(event: string | symbol, listener: (error: Error) => void): unknown
  off(event: string | symbol, listener: (error: Error) => void): unknown
}
