/* oxlint-disable no-underscore-dangle -- names of Node's own */
import { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { PresentHeaders, SessionHeaders } from '@sess/http'
import { headWith, withoutBody } from './head.ts'

/** What a response waits for before its first byte, and before its last. */
export interface Gates {
  /** Whether the head has anything to wait for, as of now. */
  readonly pending: boolean
  /** Whether the end of a response that has started has anything to wait for, as of now. */
  readonly changed: boolean
  /** Before the head leaves: the place for a commit. */
  start(): Promise<unknown>
  /** The fields that the head leaves with. @param present - Those that it has. */
  fields(present: PresentHeaders): SessionHeaders
  /** Before the last bytes of a response that has started. */
  end(): Promise<unknown>
  /** A gate rejected, or the head could not be made. @param cut - The connection was closed: no other answer can be given. */
  failed(error: unknown, cut: boolean): void
}

/**
 * Holds a response back while its gates are passed.
 *
 * Every public method of the response does what Node's does, at the time at which Node's does it: the bytes alone wait, as
 * those of a pipelined response wait for their turn. They are held below everything that other middleware can see or
 * wrap, by the three methods through which Node's own code hands bytes to the socket (docs/decisions/0095).
 *
 * When the first gate fails, the answer runs to its end and its bytes are dropped; then the response is as good as new,
 * for an error to be sent. An answer that does not end within half a second is cut.
 *
 * @param res - For a head that has left, only the end waits.
 * @returns Whether the head can still be changed.
 */
export function deferResponse(res: ServerResponse, gates: Gates): boolean {
  const deferred = res as unknown as Deferred
  deferred[HOLD] = new Hold(deferred, gates)
  Object.assign(deferred, OVERRIDES)
  deferred.on('pipe', piped)
  return !deferred._headerSent
}

/** Whether responses are made as {@link deferResponse} needs them. Node's and Deno's are; Bun's are not. */
export function canDefer(): boolean {
  const probe = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never)
  if (!isDeferrable(probe)) return false
  probe.write('x')
  return typeof (probe as unknown as Deferred)._header === 'string' && probe.outputData.length > 0
}

/** Whether this is a response of Node's, or one that extends it: some servers hand other objects to their middleware. */
export function isDeferrable<Response extends object>(res: Response): res is Response & Pick<Internals, 'outputData'> {
  return '_send' in res && '_writeRaw' in res && '_flush' in res && 'outputData' in res
}

/** How long an answer that is not wanted any more may take to come to its end. */
const ABANDON_AFTER_MS = 500

const HOLD: unique symbol = Symbol('@sess/express hold')

type Callback = (error?: unknown) => void
interface Output {
  data: string | Uint8Array
  encoding: string | null | undefined
  callback: Callback | null | undefined
}

/** What a ServerResponse has beside its documented members, in Node 22 and 24 alike. */
interface Internals {
  /** The head as text, once it is rendered. */
  _header: string | null
  /** The head has been handed to the socket, or to `outputData`. */
  _headerSent: boolean
  /** What waits for the response's turn. */
  outputData: Output[]
  outputSize: number
  _onPendingData(bytes: number): void
  /** Hands over body bytes, with the head before the first of them. */
  _send(data: Output['data'], encoding?: string | null, callback?: Callback | null, length?: number): boolean
  /** Hands over bytes as they are. */
  _writeRaw(data: Output['data'], encoding?: string | Callback | null, callback?: Callback | null): boolean
  /** Hands `outputData` to the socket. Called when the response's turn comes. */
  _flush(): void
  _hasBody: boolean
  _contentLength: number | null
  _trailer: string
  _removedConnection: boolean
  _removedContLen: boolean
  _removedTE: boolean
}
type Deferred = Omit<ServerResponse, keyof Internals | 'finished'> & Internals & { finished: boolean; [HOLD]: Hold }

// The same functions for all responses, so that the engine can give all of them one shape.
const OVERRIDES: Pick<Internals, '_send' | '_writeRaw' | '_flush'> & ThisType<Deferred> = {
  _send(data, encoding, callback, length) {
    const hold = this[HOLD]
    if (hold.passes()) return hold.original._send.call(this, data, encoding, callback, length)
    return hold.keepBody(data, encoding, callback)
  },
  _writeRaw(data, encoding, callback) {
    const hold = this[HOLD]
    if (!hold.holds) return hold.original._writeRaw.call(this, data, encoding, callback)
    return typeof encoding === 'function' ? hold.keep(data, null, encoding) : hold.keep(data, encoding, callback)
  },
  _flush() {
    const hold = this[HOLD]
    if (!hold.holds) hold.original._flush.call(this)
  },
}

function piped(this: Deferred, source: unknown): void {
  const { sources } = this[HOLD]
  if (!sources.length) this.on('unpipe', unpiped)
  sources.push(source as Readable)
}
function unpiped(this: Deferred, source: unknown): void {
  const hold = this[HOLD]
  hold.sources = hold.sources.filter((other) => other !== source)
}

/**
 * How far a response has come.
 *
 * - `open`: its head has not left.
 * - `starting`: its head waits for the first gate.
 * - `started`: its head has left.
 * - `asking`: bytes wait for the end of the turn, to see whether they are the last.
 * - `ending`: its last bytes wait for the gate.
 * - `dropping`: the first gate has failed, and the answer has not come to its end.
 * - `over`: nothing waits any more.
 *
 * After `dropping` the response is `open` again, for another answer.
 */
type Phase = 'open' | 'starting' | 'started' | 'asking' | 'ending' | 'dropping' | 'over'

class Hold {
  /** Streams that are piped into the response. */
  sources: Readable[] = []
  readonly original: Pick<Internals, '_send' | '_writeRaw' | '_flush'>
  readonly #res: Deferred
  readonly #gates: Gates
  #phase: Phase

  constructor(res: Deferred, gates: Gates) {
    const { _send, _writeRaw, _flush } = res
    this.original = { _send, _writeRaw, _flush }
    this.#res = res
    this.#gates = gates
    this.#phase = res._headerSent ? 'started' : 'open'
  }

  /** Bytes are kept, whatever they are. */
  get holds(): boolean {
    const phase = this.#phase
    return phase !== 'open' && phase !== 'started' && phase !== 'over'
  }

  /** Whether body bytes may go now. Where there is something to wait for, the waiting begins. */
  passes(): boolean {
    const phase = this.#phase
    if (phase === 'over') return true
    if (phase === 'open') {
      if (this.#gates.pending) return (void this.#start(), false)
      this.#phase = 'started'
      this.#setHead()
      return true
    }
    if (phase !== 'started') return false
    if (!this.#gates.changed) return true
    this.#phase = 'asking'
    queueMicrotask(() => void this.#ask())
    return false
  }

  /** Keeps bytes as Node does until a response's turn has come. @returns Whether more of them are welcome. */
  keep(data: Output['data'], encoding: string | null | undefined, callback: Callback | null | undefined): boolean {
    const res = this.#res
    if (res.socket?.destroyed) return false
    if (this.#phase === 'dropping') {
      res.outputData.push({ data: '', encoding: null, callback })
      queueMicrotask(() => this.#drop())
      return true
    }
    res.outputData.push({ data, encoding, callback })
    res.outputSize += data.length
    return res.outputSize < res.writableHighWaterMark
  }

  /** Keeps body bytes, and the head before the first of them, in the way and the place of Node's own `_send`. */
  keepBody(data: Output['data'], encoding: string | null | undefined, callback: Callback | null | undefined): boolean {
    const res = this.#res
    const head = res._header
    if (head === null || res._headerSent || res.socket?.destroyed) return this.keep(data, encoding, callback)
    res._headerSent = true
    const asText = typeof data === 'string' && (!encoding || encoding === 'utf8' || encoding === 'latin1')
    if (!asText) {
      res.outputData.unshift({ data: head, encoding: 'latin1', callback: null })
      res.outputSize += head.length
    }
    const more = this.keep(asText ? head + data : data, encoding, callback)
    this.#kept = { head, at: asText ? res.outputData.at(-1)! : res.outputData[0]! }
    return more
  }
  /** The head that was kept, as Node rendered it, and where. */
  #kept: { readonly head: string; readonly at: Output } | undefined

  async #start(): Promise<void> {
    this.#phase = 'starting'
    try {
      await this.#gates.start()
      // What the handler changed after its last word, while that was held: a second commit, and no more.
      if (this.#res.finished && this.#gates.changed) await this.#gates.start()
      this.#setHead()
    } catch (error) {
      return this.#fail(error)
    }
    this.#release()
  }

  async #ask(): Promise<void> {
    if (this.#res.finished && this.#gates.changed) {
      this.#phase = 'ending'
      try {
        await this.#gates.end()
      } catch (error) {
        return this.#fail(error)
      }
    }
    this.#release()
  }

  #setHead(): void {
    const res = this.#res
    const head = res._header
    if (head === null) return
    const changed = headWith(head, (present) => {
      const fields = this.#gates.fields(present)
      if (fields.vary === undefined || fields['cache-control'] === undefined) return fields
      // For who looks at the fields of the response afterwards, as logs do. Node lets nobody set them now.
      res._header = null
      res.setHeader('Vary', fields.vary)
      res.setHeader('Cache-Control', fields['cache-control'])
      for (const field of fields['set-cookie'] ?? []) res.appendHeader('Set-Cookie', field)
      return fields
    })
    res._header = changed
    if (!this.#kept) return
    const { head: rendered, at } = this.#kept
    at.data = changed + (at.data as string).slice(rendered.length)
    res.outputSize += changed.length - rendered.length
    this.#kept = undefined
  }

  #release(): void {
    const res = this.#res
    this.#phase = res.finished ? 'over' : 'started'
    const { socket } = res as { socket: { _httpMessage?: unknown } | null }
    // Its turn in the pipeline has yet to come: Node counts what waits for that, to stop reading when it is much.
    if (socket?._httpMessage !== res) return res._onPendingData(res.outputSize)
    // It was not counted while it was held.
    res.outputSize = 0
    res._flush()
  }

  #fail(error: unknown): void {
    const res = this.#res
    if (this.#phase !== 'starting' || res.destroyed) return this.#cut(error)
    this.#phase = 'dropping'
    this.#error = error
    this.#abandon = setTimeout(() => this.#cut(error), ABANDON_AFTER_MS)
    const { sources } = this
    for (const source of sources) source.unpipe(res)
    for (const output of res.outputData) output.data = ''
    try {
      // What compresses still has bytes of a source that is let go of.
      if (sources.length && !res.finished) res.end()
    } catch {
      // As with too few bytes for a strict Content-Length: the answer is dropped.
    }
    this.#drop()
    // Writers that were told to wait would not come to their end.
    if (this.#phase === 'dropping' && res.writableNeedDrain) res.emit('drain')
  }
  #error: unknown
  #abandon: NodeJS.Timeout | undefined

  /** Drops what has been handed over, and the answer once it has come to its end. */
  #drop(): void {
    const res = this.#res
    if (this.#phase !== 'dropping') return
    if (res.destroyed) return this.#cut(this.#error)
    const dropped = res.outputData.splice(0)
    res.outputSize = 0
    // The last callback of an answer that has ended makes Node emit `finish`, which is for what is sent instead.
    if (res.finished) dropped.pop()
    callBack(dropped, this.#error)
    if (!res.finished) return
    clearTimeout(this.#abandon)
    this.#phase = 'open'
    this.#kept = undefined
    renew(res)
    this.#gates.failed(this.#error, false)
  }

  /** Closes the connection, so that nobody takes what has arrived for the whole. */
  #cut(error: unknown): void {
    const res = this.#res
    clearTimeout(this.#abandon)
    this.#phase = 'over'
    res.destroy()
    callBack(res.outputData.splice(0, res.outputData.length - (res.finished ? 1 : 0)), error)
    this.#gates.failed(error, true)
  }
}

function callBack(outputs: readonly Output[], error: unknown): void {
  for (const { callback } of outputs) if (callback) process.nextTick(callback, error)
}

/** Members that middleware puts on a response to see an answer pass. They have seen one, and the next is not theirs. */
const WRAPPED = ['write', 'end', 'flush', 'flushHeaders', 'writeHead', 'on', 'once', 'addListener'] as const

/** Makes a response that ended, and of which no byte has left, ready for another answer. */
function renew(res: Deferred): void {
  for (const name of WRAPPED) if (Object.hasOwn(res, name)) Reflect.deleteProperty(res, name)
  Object.assign(res, {
    _header: null,
    _headerSent: false,
    finished: false,
    chunkedEncoding: false,
    strictContentLength: false,
    _hasBody: res.req.method !== 'HEAD',
    _contentLength: null,
    _trailer: '',
    _removedConnection: false,
    _removedContLen: false,
    _removedTE: false,
  })
  // Node's note that somebody waits for `drain` goes when it has something to flush.
  if (res.writableNeedDrain) {
    res.outputData.push({ data: '', encoding: 'latin1', callback: null })
    res._flush()
  }
  withoutBody(res)
}
