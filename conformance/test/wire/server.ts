import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { all } from '../../src/case-parts/case.ts'
import { READONLY, receive, send, type Answer, type Call } from './protocol.ts'

/** What a replica refuses; `prove` does nothing else. */
const WRITES: ReadonlySet<string> = new Set([
  'create',
  'replace',
  'touch',
  'delete',
  'deleteSubject',
  'sweep',
  'put',
  'set',
  'remove',
  'prove',
])

/** A server: the methods of an object of this process, behind a socket. */
export class WireServer {
  readonly #offered: object
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #port = 0
  #isReplica = false

  constructor(offered: object) {
    this.#offered = offered
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  }

  get port(): number {
    return this.#port
  }

  /** Takes connections, on the port that it had before. */
  async start(): Promise<void> {
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Ends all connections, and takes no more. What is stored stays. */
  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  /** From now on it refuses writes, on the connections that there are, too. */
  demote(): void {
    this.#isReplica = true
  }

  /** From now on it takes writes. */
  promote(): void {
    this.#isReplica = false
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket))
    receive(socket, (call: Call) => {
      void this.#answer(call).then((answer) => socket.writable && send(socket, answer))
    })
  }

  async #answer({ id, method, values }: Call): Promise<Answer> {
    if (this.#isReplica && WRITES.has(method)) return { id, error: { code: undefined, message: READONLY } }
    if (method === 'prove') return { id, value: true }
    try {
      const call = (this.#offered as Record<string, (...given: readonly unknown[]) => unknown>)[method]!
      const answer = call.apply(this.#offered, [...values])
      return { id, value: isIterable(answer) ? await all(answer) : await answer }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return { id, error: { code, message } }
    }
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
