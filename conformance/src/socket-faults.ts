import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Fault, FaultOptions, Faults } from './fault-switch.ts'
import { closed, listens, reservePort, type ReservedPort } from './reserved-port.ts'

/** The server behind a proxy. */
export interface Target {
  readonly port: number
  /** Default: 127.0.0.1. */
  readonly host?: string
}

const OFFERS = [
  'cut-before',
  'cut-after',
  'cut-mid-reply',
  'corrupt-reply',
  'late',
  'slow',
  'down',
  'hang',
] as const satisfies readonly Fault[]

/**
 * Proxies for stores that use TCP. Put a proxy between a client and each of its servers; one switch makes faults in all proxies. A
 * request is one chunk that a client sends; its answer is the first chunk that comes back.
 *
 * @example
 * const faults = new SocketFaults()
 * const client = new Redis(await faults.listen({ port: 6379 }))
 */
export class SocketFaults implements Faults {
  readonly offers: readonly Fault[] = OFFERS
  readonly #servers = new Map<Server, ReservedPort>()
  readonly #cuts = new Set<() => void>()
  readonly #lanes = new Set<Lane>()
  #fault: Fault | undefined
  #left = 0
  #passing = 0
  #ms = 0
  #struck = 0
  #requests = 0

  get struck(): number {
    return this.#struck
  }

  get requests(): number {
    return this.#requests
  }

  /** Starts a proxy for a server. It resolves to the port of the proxy on 127.0.0.1. */
  async listen(target: Target): Promise<number> {
    const server = createServer({ noDelay: true }, (client) => this.#serve(client, target))
    const reserved = await reservePort()
    this.#servers.set(server, reserved)
    await listen(server, reserved)
    return reserved.port
  }

  inject(fault: Fault, { times = 1, ms = 100, after = 0 }: FaultOptions = {}): void {
    this.#fault = fault
    this.#left = fault === 'down' || fault === 'hang' ? 0 : times
    this.#passing = after
    this.#ms = ms
    if (fault !== 'down' && fault !== 'hang') return
    this.#struck++
    if (fault === 'hang') {
      for (const lane of this.#lanes) lane.hold()
      return
    }
    for (const server of this.#servers.keys()) server.close()
    for (const cut of this.#cuts) cut()
  }

  async heal(): Promise<void> {
    const wasDown = this.#fault === 'down'
    this.#fault = undefined
    for (const lane of this.#lanes) lane.release()
    if (!wasDown) return
    for (const [server, reserved] of this.#servers) if (!server.listening) await listen(server, reserved)
  }

  /** Cuts all connections, and accepts no new connections. */
  async close(): Promise<void> {
    for (const cut of this.#cuts) cut()
    for (const lane of this.#lanes) lane.release()
    for (const [server, reserved] of this.#servers) {
      if (server.listening) await closed(server)
      await reserved.release()
    }
    this.#servers.clear()
  }

  #strike(): Fault | undefined {
    if (this.#fault === undefined || this.#left <= 0 || this.#passing-- > 0) return undefined
    this.#left--
    this.#struck++
    return this.#fault
  }

  #serve(client: Socket, target: Target): void {
    client.on('error', () => {}) // 'close' follows
    const server = connect({ noDelay: true, host: target.host ?? '127.0.0.1', port: target.port })
    const up = new Lane(server)
    const down = new Lane(client)
    let due: Fault | undefined
    const cut = (): void => {
      client.resetAndDestroy()
      server.destroy()
    }
    this.#cuts.add(cut)
    for (const lane of [up, down]) {
      this.#lanes.add(lane)
      if (this.#fault === 'hang') lane.hold()
    }
    client.on('data', (chunk) => {
      this.#requests++
      const fault = this.#strike()
      if (fault === 'cut-before') cut()
      else {
        due = fault
        up.send(chunk, fault === 'late' ? this.#ms : 0)
      }
    })
    server.on('data', (chunk) => {
      const fault = due
      due = undefined
      if (fault === 'cut-after') cut()
      else if (fault === 'cut-mid-reply') {
        down.send(chunk.subarray(0, Math.floor(chunk.length / 2)), 0)
        down.end()
        server.destroy()
      } else down.send(fault === 'corrupt-reply' ? corrupted(chunk) : chunk, fault === 'slow' ? this.#ms : 0)
    })
    server.on('error', () => {})
    client.on('close', () => up.end())
    server.on('close', () => {
      this.#cuts.delete(cut)
      for (const lane of [up, down]) this.#lanes.delete(lane)
      down.end()
    })
  }
}

/** One direction of a connection. Chunks arrive in the order in which they were sent, however late. */
class Lane {
  readonly #socket: Socket
  #last: Promise<unknown> = Promise.resolve()
  #held: PromiseWithResolvers<void> | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Holds all chunks back. */
  hold(): void {
    this.#held ??= Promise.withResolvers()
  }

  /** Sends the held chunks on, in their order. */
  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  send(chunk: Uint8Array, ms: number): void {
    this.#then(() => this.#socket.writable && this.#socket.write(chunk), ms)
  }

  end(): void {
    this.#then(() => this.#socket.end(), 0)
  }

  #then(run: () => unknown, ms: number): void {
    this.#last = this.#last.then(async () => {
      if (ms > 0) await setTimeout(ms)
      await this.#held?.promise
      run()
    })
  }
}

/** @throws {Error} If a program that reserves no ports has taken this one. */
async function listen(server: Server, { port }: ReservedPort): Promise<void> {
  if (!(await listens(server, port)))
    throw new Error(`another program has taken the port ${port} of a proxy; run this again`)
}

/** Changes one byte in the middle of a chunk, to spare a length at the beginning and a mark at the end. */
function corrupted(chunk: Uint8Array): Uint8Array {
  const at = Math.floor(chunk.length / 2)
  return Uint8Array.from(chunk, (byte, i) => (i === at ? byte ^ 0x15 : byte))
}
