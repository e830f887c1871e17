import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { applyHead, withoutBody } from './head.ts'

/** What a response waits for before its first byte, and before its last. */
export interface Gates {
  /** Whether there is anything to wait for, as of now. */
  readonly pending: boolean
  /** Before the head leaves: the place for a commit. */
  start(): Promise<unknown>
  /** After `start`: the last chance to set header fields. */
  head(): void
  /** Before the end of a response that had started. */
  end(): Promise<unknown>
  /** A gate rejected, or the response could not be made. `cut`: no other answer can be given. */
  failed(error: unknown, cut: boolean): void
}

/**
 * Holds a response back while its gates are passed.
 *
 * From the first call that sends bytes, such calls wait in line, in order. Meanwhile everything is as if they had been
 * sent: `headersSent` is true, the head can no longer be changed, and writers are told to wait for `drain`.
 *
 * When a gate fails, what waits in line is dropped. If that was a whole answer, or came from streams that can be unpiped,
 * the response is as good as new, for an error to be sent. If not, somebody goes on writing: then it is destroyed.
 *
 * @param res - Its methods are replaced. A head that has left waits for nothing more; the end still does.
 */
export function deferResponse(res: ServerResponse, gates: Gates): void {
  const deferred = res as Deferred
  deferred[LINE] = new Line(deferred, gates)
  Object.assign(deferred, WAITING)
  deferred.on('pipe', piped)
}

const LINE: unique symbol = Symbol('@sess/express line')

type Method = (...values: unknown[]) => unknown
type Sending = 'flushHeaders' | 'write' | 'end'
type Setting = 'setHeader' | 'appendHeader' | 'removeHeader'
/** A response as this module sees it: methods that may be anybody's, by now. */
type Deferred = Omit<ServerResponse, Sending | Setting | 'writeHead' | 'on'> &
  Record<Sending | Setting | 'writeHead', Method> & {
    on(event: string, listener: Method): Deferred
    [LINE]: Line
  }

// Of one function for all responses, rather than a closure for each, the engine can make one shape of object.
const WAITING = {
  flushHeaders(this: Deferred, ...values: unknown[]): unknown {
    return this[LINE].send('flushHeaders', values)
  },
  write(this: Deferred, ...values: unknown[]): unknown {
    return this[LINE].send('write', values)
  },
  end(this: Deferred, ...values: unknown[]): unknown {
    return this[LINE].send('end', values)
  },
  writeHead(this: Deferred, ...values: unknown[]): unknown {
    return this[LINE].writeHead(values)
  },
}
const FROZEN = { setHeader: tooLate, appendHeader: tooLate, removeHeader: tooLate }
const HEADERS_SENT = {
  configurable: true,
  get(this: Deferred): boolean {
    return this[LINE].waits || (Reflect.get(Object.getPrototypeOf(this) as object, 'headersSent', this) as boolean)
  },
}

function piped(this: Deferred, source: unknown): void {
  const { sources } = this[LINE]
  if (!sources.length) this.on('unpipe', unpiped)
  sources.push(source as Readable)
}
function unpiped(this: Deferred, source: unknown): void {
  const line = this[LINE]
  line.sources = line.sources.filter((other) => other !== source)
}

/** The calls that wait, and how far the response has come. */
class Line {
  /** Streams that are piped into the response. */
  sources: Readable[] = []
  readonly #res: Deferred
  readonly #gates: Gates
  readonly #original: Pick<Deferred, Sending | 'writeHead' | 'on'>
  #phase: 'open' | 'starting' | 'started' | 'ending' | 'over'
  #calls: [Sending, unknown[]][] = []
  /** `end` was called. */
  #ended = false
  /** Who asked to be told of `drain`, once somebody was told to wait for it. */
  #drainListeners: Method[] | undefined

  constructor(res: Deferred, gates: Gates) {
    const { flushHeaders, write, end, writeHead, on } = res
    this.#res = res
    this.#gates = gates
    this.#original = { flushHeaders, write, end, writeHead, on }
    this.#phase = res.headersSent ? 'started' : 'open'
  }

  /** The head looks sent, and is not. */
  get waits(): boolean {
    return this.#phase === 'starting'
  }

  send(method: Sending, values: unknown[]): unknown {
    if (this.#passes(method)) return this.#original[method].apply(this.#res, values)
    const phase = this.#phase
    this.#calls.push([method, values])
    if (method === 'end') this.#ended = true
    if (phase === 'open') void this.#start()
    if (phase === 'started') void this.#end()
    if (method !== 'write') return this.#res
    this.#noteDrainListeners()
    return false
  }

  /** Lets a call through for which there is nothing to wait, or nothing more. @returns False: it has to wait. */
  #passes(method: Sending): boolean {
    const phase = this.#phase
    if (phase === 'over' || (phase === 'started' && method !== 'end')) return true
    if (this.#calls.length || this.#gates.pending) return false
    this.#phase = method === 'end' ? 'over' : 'started'
    if (phase === 'open') this.#gates.head()
    return true
  }

  // The head leaves with the first byte: until then this sets what it will say. Fields given to Node's own writeHead would
  // replace those that the gate sets.
  writeHead(values: unknown[]): unknown {
    if (this.waits) tooLate()
    if (this.#phase !== 'open') return this.#original.writeHead.apply(this.#res, values)
    applyHead(this.#res as unknown as ServerResponse, values)
    return this.#res
  }

  async #start(): Promise<void> {
    this.#phase = 'starting'
    const thaw = this.#freeze()
    try {
      await this.#gates.start()
    } catch (error) {
      thaw()
      return this.#fail(error)
    }
    thaw()
    this.#phase = 'started'
    try {
      this.#gates.head()
      this.#proceed()
    } catch (error) {
      this.#fail(error)
    }
  }

  #proceed(): void {
    const calls = this.#calls.splice(0)
    // The usual case, a whole answer in one call: what it waited for is all that it has to wait for.
    if (calls[0]![0] === 'end') this.#phase = 'over'
    let ready = true
    for (const [method, values] of calls) ready = this.send(method, values) !== false
    if (!this.#drainListeners || !ready || this.#ended) return
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
      for (const [method, values] of this.#calls.splice(0)) this.send(method, values)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const res = this.#res
    this.#phase = 'over'
    // Without what other middleware has put around these methods since: that is about the answer which is dropped.
    Object.assign(res, this.#original)
    const cut = res.headersSent || res.destroyed || !(this.#ended || this.sources.length)
    for (const source of this.sources) source.unpipe(res as unknown as ServerResponse)
    if (cut) res.destroy()
    else withoutBody(res as unknown as ServerResponse)
    for (const [, values] of this.#calls.splice(0)) {
      const callback = values.find((value) => typeof value === 'function')
      if (callback) process.nextTick(callback, error)
    }
    this.#gates.failed(error, cut)
  }

  /** Makes the head look sent. @returns What makes it what it was. */
  #freeze(): () => void {
    const res = this.#res
    const { setHeader, appendHeader, removeHeader, statusCode, statusMessage } = res
    Object.assign(res, FROZEN)
    Object.defineProperty(res, 'headersSent', HEADERS_SENT)
    return () => Object.assign(res, { setHeader, appendHeader, removeHeader, statusCode, statusMessage })
  }

  #noteDrainListeners(): void {
    if (this.#drainListeners) return
    const listeners: Method[] = (this.#drainListeners = [])
    const { on } = this.#original
    this.#res.on = (event, listener) => {
      if (event === 'drain' && this.waits) listeners.push(listener)
      return on.call(this.#res, event, listener)
    }
  }
}

/** As Node's own. */
function tooLate(): never {
  const error = new Error('the head of the response has been sent; it is too late to change it')
  throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
}
