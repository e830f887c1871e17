/** A part of a command: text, or bytes, which are always a Buffer. */
export type Argument = string | Uint8Array

/** Options of a command that override those of the client. */
export interface CommandOptions {
  /** For types of RESP, the JavaScript type into which the client converts values of a reply. */
  readonly typeMapping: object
  /** The longest time that the command may wait to be sent, in ms. */
  readonly timeout: number
  /** Whether the client sends the command before the commands that already wait. */
  readonly asap: boolean
  readonly abortSignal: AbortSignal
}

/** The members that a store uses of a client of `createClient`, of the package `redis`. A node of a Cluster has such a client, too. */
export interface NodeRedisClient {
  /** Whether `connect` was called, and the client has not given up or been closed since. */
  readonly isOpen: boolean
  /** Whether the client is connected, and sends commands at once. */
  readonly isReady: boolean
  readonly options?: object | undefined
  sendCommand(args: readonly Argument[], options?: CommandOptions): Promise<unknown>
  on(event: string | symbol, listener: (error: Error) => void): unknown
  off(event: string | symbol, listener: (error: Error) => void): unknown
}

/** The members that a store uses of a client of `createSentinel`. */
export interface NodeRedisSentinel {
  readonly isOpen: boolean
  /** The node of the master. Undefined while no connection to a master is ready. */
  getMasterNode(): object | undefined
  /** Runs a function with a connection to the master. It retries if the connection was lost, or if the server is a replica now. */
  _execute<T>(isReadonly: boolean | undefined, run: (client: NodeRedisClient) => Promise<T>): Promise<T>
  on(event: string | symbol, listener: (error: Error) => void): unknown
  off(event: string | symbol, listener: (error: Error) => void): unknown
}

/** A master of a Cluster, as the client of the Cluster knows it. */
export interface NodeRedisMaster {
  readonly id: string
  /** The client of this master. With `minimizeConnections` it is undefined until the first command for this master. */
  readonly client?: NodeRedisClient | undefined
}

/** The members that a store uses of a client of `createCluster`. */
export interface NodeRedisCluster {
  readonly isOpen: boolean
  /** Whether the client knows its nodes and has connected to them once. Undefined in version 5. */
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
