import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { applyHead, withoutBody } from './head.ts'

/** What a response waits for before its first byte, and before its last. */
export interface Gates {
  /** Before the head leaves: the place for a commit. */
  start(): Promise<void>
  /** After `start`: the last chance to set header fields. */
  head(): void
  /** Before the end of a response that had started. */
  end(): Promise<void>
  /** A gate rejected, or the response could not be made. `cut`: no other answer can be given. */
  failed(error: unknown, cut: boolean): void
}

const SENDING = ['flushHeaders', 'write', 'end'] as const
const SETTING = ['setHeader', 'appendHeader', 'removeHeader'] as const
type Sending = (typeof SENDING)[number]
type Method = (...values: unknown[]) => unknown
type Methods<Name extends string> = Record<Name, Method>

/**
 * Holds a response back while its gates are passed.
 *
 * From the first call that sends bytes, such calls wait in line, in order. Meanwhile everything is as if they had been
 * sent: `headersSent` is true, the head can no longer be changed, and writers are told to wait for `drain`.
 *
 * When a gate fails, what waits in line is dropped. If that was a whole answer, or came from streams that can be unpiped,
 * the response is as good as new, for an error to be sent. If not, somebody goes on writing: then it is destroyed.
 */
export class DeferredResponse {
  readonly #res: ServerResponse
  readonly #gates: Gates
  readonly #original: Methods<Sending | 'writeHead' | 'on'>
  #phase: 'open' | 'starting' | 'started' | 'ending' | 'over'
  #line: [Sending, unknown[]][] = []
  /** The commit before the head has begun: it may miss changes that are made from now on. */
  #committing = false
  /** Whether the end has come, and whether that was while the commit before the head was under way. */
  #ended: false | 'in time' | 'late' = false
  /** Somebody was told to wait for `drain`. */
  #throttled = false
  readonly #drainListeners: Method[] = []
  readonly #sources = new Set<Readable>()

  /** @param res - Its methods are replaced. A head that has left waits for nothing more; the end still does. */
  constructor(res: ServerResponse, gates: Gates) {
    this.#res = res
    this.#gates = gates
    this.#phase = res.headersSent ? 'started' : 'open'
    const own = res as unknown as Methods<Sending | 'writeHead' | 'on'>
    const { flushHeaders, write, end, writeHead, on } = own
    this.#original = { flushHeaders, write, end, writeHead, on }
    for (const method of SENDING) own[method] = (...values) => this.#send(method, values)
    own.writeHead = (...values) => this.#writeHead(values)
    own.on = (event, listener) => {
      if (event === 'drain' && this.#phase === 'starting') this.#drainListeners.push(listener as Method)
      return on.call(res, event, listener)
    }
    on.call(res, 'pipe', (source: Readable) => this.#sources.add(source))
    on.call(res, 'unpipe', (source: Readable) => this.#sources.delete(source))
  }

  #send(method: Sending, values: unknown[]): unknown {
    const phase = this.#phase
    if (phase === 'over' || (phase === 'started' && method !== 'end'))
      return this.#original[method].apply(this.#res, values)
    this.#line.push([method, values])
    if (method === 'end') this.#ended ||= this.#committing ? 'late' : 'in time'
    if (phase === 'open') void this.#start()
    if (phase === 'started') void this.#end()
    if (method === 'write') this.#throttled = true
    return method === 'write' ? false : this.#res
  }

  // The head leaves with the first byte: until then this sets what it will say. Fields given to Node's own writeHead would
  // replace those that the gate sets.
  #writeHead(values: unknown[]): unknown {
    if (this.#phase === 'starting') throw headHasLeft('writeHead')
    if (this.#phase !== 'open') return this.#original.writeHead.apply(this.#res, values)
    applyHead(this.#res, values)
    return this.#res
  }

  async #start(): Promise<void> {
    this.#phase = 'starting'
    const thaw = this.#freeze()
    try {
      // What a handler does in the same breath, after its last word to the client, still counts.
      await undefined
      this.#committing = true
      await this.#gates.start()
      thaw()
      this.#phase = 'started'
      this.#gates.head()
      this.#proceed()
    } catch (error) {
      thaw()
      this.#fail(error)
    }
  }

  #proceed(): void {
    let ready = true
    for (const [method, values] of this.#line.splice(0)) {
      if (method === 'end' && this.#ended === 'in time') this.#phase = 'over'
      ready = this.#send(method, values) !== false
    }
    if (!this.#throttled || !ready || this.#ended) return
    // Some middleware keeps listeners for a stream of its own, which never had to make anybody wait.
    const reached = this.#res.rawListeners('drain') as Method[]
    this.#res.emit('drain')
    for (const listener of this.#drainListeners) if (!reached.includes(listener)) listener.call(this.#res)
  }

  async #end(): Promise<void> {
    this.#phase = 'ending'
    try {
      await this.#gates.end()
      this.#phase = 'over'
      for (const [method, values] of this.#line.splice(0)) this.#send(method, values)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const res = this.#res
    this.#phase = 'over'
    // Without what other middleware has put around these methods since: that is about the answer which is dropped.
    Object.assign(res, this.#original)
    const cut = res.headersSent || res.destroyed || !(this.#ended || this.#sources.size)
    for (const source of this.#sources) source.unpipe(res)
    if (cut) res.destroy()
    else withoutBody(res)
    for (const [, values] of this.#line.splice(0)) {
      const callback = values.find((value) => typeof value === 'function')
      if (callback) process.nextTick(callback as (error: unknown) => void, error)
    }
    this.#gates.failed(error, cut)
  }

  /** Makes the head look sent. @returns What makes it what it was. */
  #freeze(): () => void {
    const res = this.#res
    const own = res as unknown as Methods<(typeof SETTING)[number]>
    const { setHeader, appendHeader, removeHeader } = own
    const { statusCode, statusMessage } = res
    for (const method of SETTING)
      own[method] = () => {
        throw headHasLeft(method)
      }
    const prototype = Object.getPrototypeOf(res) as object
    Object.defineProperty(res, 'headersSent', {
      configurable: true,
      get: () => this.#phase === 'starting' || (Reflect.get(prototype, 'headersSent', res) as boolean),
    })
    return () => Object.assign(res, { setHeader, appendHeader, removeHeader, statusCode, statusMessage })
  }
}

/** As Node's own. */
function headHasLeft(method: string): Error {
  const error = new Error(`${method}() has come too late: the response has been sent`)
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
}
