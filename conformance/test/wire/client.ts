import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { isSessError, SessError, type SessErrorCode } from '@sess/core'
import { READONLY, receive, send, type Answer, type Call } from './protocol.ts'

/** What can be wrong with a client. */
export type Flaw =
  /** A lost connection answers that there is nothing. */
  | 'takes a loss for missing'
  /** A call whose answer is lost is sent again. */
  | 'resends'
  /** A lost connection promises that nothing was written. */
  | 'promises too much'
  /** Calls wait for the server to come back, though their callers have been told that they failed. */
  | 'queues'
  /** Answers are taken by their order, and a lost one is still waited for. */
  | 'misreads'
  /** A connection that was lost is not made again. */
  | 'never returns'
  /** It gives up while the server is at work. */
  | 'is impatient'
  /** A replace of what is gone creates it. */
  | 'brings back'
  /** A replica that has refused a write is asked for reads. */
  | 'believes a replica'
  /** What is known of a replica is thrown once, and forgotten. */
  | 'doubts once'
  /** A server that answers a read passes for a master. */
  | 'proves by a read'
  /** Of the reads, those of one record alone are held back. */
  | 'doubts in part'

/** A connection to a server, made when it is needed. */
export class WireClient {
  protected readonly port: number
  readonly #flaw: Flaw | undefined
  readonly #queue: Call[] = []
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #socket: Promise<Socket> | undefined
  #closed = false
  /** The server has refused a write, as a replica does, and has taken none since. */
  #inDoubt = false
  #last = 0

  constructor(port: number, flaw?: Flaw) {
    this.port = port
    this.#flaw = flaw
  }

  async call(method: string, ...values: unknown[]): Promise<unknown> {
    if (this.#closed) throw new SessError('store_unavailable', 'the wire store was closed')
    try {
      if (this.#inDoubt) await this.#prove(method)
      const call: Call = { id: ++this.#last, method, values }
      const answer = await this.#send(call)
      if (this.#flaw !== 'brings back' || method !== 'replace' || answer !== 'missing') return answer
      await this.call('create', values[0], values[1], values[3])
      return 'replaced'
    } catch (cause) {
      if (!isSessError(cause)) throw cause
      if (cause.message === READONLY) this.#inDoubt = this.#flaw !== 'believes a replica'
      if (cause.message !== LOST) throw cause
      if (this.#flaw === 'takes a loss for missing') return MISSING.get(method)
      if (this.#flaw === 'resends') return this.#send({ id: ++this.#last, method, values })
      throw cause
    }
  }

  /** Asks for what only a master does. @throws {SessError} `store_unavailable`, where the server is still a replica. */
  async #prove(method: string): Promise<void> {
    if (this.#flaw === 'doubts in part' && method !== 'read' && method !== 'get') return
    if (this.#flaw === 'doubts once') {
      this.#inDoubt = false
      throw new SessError('store_unavailable', 'the wire server was a replica when it was last asked')
    }
    if (this.#flaw !== 'proves by a read') await this.#send({ id: ++this.#last, method: 'prove', values: [] })
    this.#inDoubt = false
  }

  async close(): Promise<void> {
    this.#closed = true
    const socket = await this.#socket?.catch(() => undefined)
    if (!socket || socket.closed) return
    socket.destroy()
    await once(socket, 'close')
  }

  async #send(call: Call): Promise<unknown> {
    let socket: Socket
    try {
      socket = await (this.#socket ??= this.#connect())
    } catch (cause) {
      if (this.#flaw === 'queues') this.#queue.push(call)
      if (this.#flaw !== 'never returns') this.#socket = undefined
      throw new SessError('store_unavailable', 'the wire server takes no connection', { cause })
    }
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(call.id, answer)
    send(socket, call)
    if (this.#flaw === 'is impatient') setTimeout(() => answer.reject(new Error('too slow')), 100)
    return answer.promise
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.#lost())
    receive(socket, (answer: Answer) => this.#answered(answer))
    for (const call of this.#queue.splice(0)) send(socket, call)
    return socket
  }

  #answered({ id, value, error }: Answer): void {
    const at = this.#flaw === 'misreads' ? this.#waiting.keys().next().value! : id
    const waiting = this.#waiting.get(at)
    this.#waiting.delete(at)
    if (!error) waiting?.resolve(value)
    else if (error.message === READONLY) waiting?.reject(new SessError('store_unavailable', READONLY))
    else if (error.code === undefined) waiting?.reject(new Error(error.message))
    else waiting?.reject(new SessError(error.code as SessErrorCode, error.message))
  }

  #lost(): void {
    if (this.#flaw !== 'never returns') this.#socket = undefined
    if (this.#flaw === 'misreads') return
    const code = this.#flaw === 'promises too much' ? 'store_unavailable' : 'unknown_outcome'
    for (const { reject } of this.#waiting.values()) reject(new SessError(code, LOST))
    this.#waiting.clear()
  }
}

const LOST = 'the connection to the wire server was lost'
const MISSING: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['create', false],
  ['replace', 'missing'],
  ['touch', 'missing'],
  ['delete', false],
  ['deleteSubject', []],
])
