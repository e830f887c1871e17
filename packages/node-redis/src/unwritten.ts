import { errorMonitor } from 'node:events'
import { setImmediate } from 'node:timers'
import type { Argument, CommandOptions, NodeRedisClient } from './client.ts'
import { TEXT } from './commands.ts'

/**
 * Takes back the commands that a client has not written when it loses its connection.
 *
 * `redis` 5 writes a command one turn of the event loop after the call, and does not check then whether the connection is still open.
 * A command that it writes to a lost connection stays in its queue, in front of the next connection's handshake: replies go to the
 * wrong commands, and the client never becomes ready again. `redis` 6 checks (decision 0136).
 *
 * When the signals of two queued commands abort, `redis` 5 loses the end of its queue, and writes nothing any more that is added there.
 * A command that goes to the front of the queue gives it an end again, so one follows each abort.
 */
export class Unwritten {
  readonly #client: NodeRedisClient
  #controller = new AbortController()
  #isUp: boolean
  #safe: Promise<void> | undefined

  /** @param client - A client with a connection of its own. */
  constructor(client: NodeRedisClient) {
    this.#client = client
    this.#isUp = client.isReady
    client.on('ready', this.#onReady)
    client.on(errorMonitor, this.#onError)
  }

  /** Settles when the client has made the write that it had scheduled. Undefined: the client can take a command now. */
  get safe(): Promise<void> | undefined {
    return this.#safe
  }

  /** Sends a command. The client does not write it after the connection is lost. @throws {Error} Also if it was not sent. */
  async send(args: readonly Argument[], options: CommandOptions): Promise<unknown> {
    if (this.#safe) await this.#safe
    const { signal } = this.#controller
    try {
      return await this.#client.sendCommand(args, { ...options, abortSignal: signal })
    } catch (error) {
      throw isAborted(error, signal)
        ? new Error('The command was not sent, for the connection was lost', { cause: error })
        : error
    }
  }

  /** Mends the queue of the client after commands in it were aborted, by a command that the README grants. */
  mend(): void {
    const { signal } = this.#controller
    if (!this.#safe && this.#client.isOpen)
      this.#client.sendCommand(['TIME'], { ...TEXT, asap: true, abortSignal: signal }).catch(() => {})
  }

  /** Removes the listeners from the client. */
  end(): void {
    this.#client.off('ready', this.#onReady)
    this.#client.off(errorMonitor, this.#onError)
  }

  readonly #onReady = (): void => void (this.#isUp = true)

  readonly #onError = (): void => {
    if (!this.#isUp || this.#client.isReady) return
    this.#isUp = false
    this.#controller.abort()
    this.#controller = new AbortController()
    const safe = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      if (this.#safe !== safe) return
      this.#safe = undefined
      this.mend()
    })
    this.#safe = safe
  }
}

/** Whether a command failed because its signal aborted before the client wrote it. */
export const isAborted = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted && (error as Error).message === 'The command was aborted'
