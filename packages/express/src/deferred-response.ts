/* oxlint-disable no-underscore-dangle -- names of Node's own */
import { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { PresentHeaders, SessionHeaders } from '@sess/http'
import { headWith, withoutBody } from './head.ts'

/** The hooks of a held response: it waits for them before its first byte, and before its last byte. */
export interface ResponseHooks {
  /** True if the head has to wait for {@link ResponseHooks.beforeHead}. Read when the head is about to leave. */
  readonly pending: boolean
  /** True if there are changes to commit, so that the end has to wait for a hook. Read when bytes are about to leave. */
  readonly changed: boolean
  /** Commits before the head leaves. */
  beforeHead(): Promise<unknown>
  /** Returns the session's fields for the head. Called once per head. @param present - The fields that the head has already. */
  fields(present: PresentHeaders): SessionHeaders
  /** Commits before the last bytes of a response whose head has left. */
  beforeEnd(): Promise<unknown>
  /**
   * Called if a hook failed.
   *
   * @param cut - True if the connection was closed. False if the response can be used for another answer.
   */
  failed(error: unknown, cut: boolean): void
}

/**
 * Holds the bytes of a response back until its hooks have run.
 *
 * Every public method of the response behaves as Node's method does, and at the same time. Only the bytes wait, as the bytes of a
 * pipelined response wait for their turn. The code replaces the three methods through which Node passes bytes to the socket. They lie
 * below everything that other middleware can see or wrap (docs/decisions/0095).
 *
 * If `beforeHead` fails, the handler writes its answer to the end, and the bytes are dropped. Then the response is reset, so that an error
 * handler can send another answer. If the handler does not end the answer within 500 ms, the connection is closed.
 *
 * @param res - If its head has left already, only its end waits.
 * @returns True if the head can still be changed.
 */
export function deferResponse(res: ServerResponse, hooks: ResponseHooks): boolean {
  const deferred = res as unknown as Deferred
  deferred[HOLD] = new Hold(deferred, hooks)
  Object.assign(deferred, OVERRIDES)
  deferred.on('pipe', piped)
  return !deferred._headerSent
}

/** True if the runtime's responses have the internals that {@link deferResponse} needs: in Node and Deno, but not in Bun. */
export function canDefer(): boolean {
  const probe = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never)
  if (!('_send' in probe && '_writeRaw' in probe && '_flush' in probe && isDeferrable(probe))) return false
  probe.write('x')
  return typeof (probe as unknown as Deferred)._header === 'string' && probe.outputData.length > 0
}

/** True for a ServerResponse of node:http and its subclasses: no other object that servers pass to their middleware has this member. */
export function isDeferrable<Response extends object>(res: Response): res is Response & Pick<Internals, 'outputData'> {
  return (res as Partial<Internals>).outputData !== undefined
}

/** The time that a handler has to end an answer whose bytes are dropped. */
const ABANDON_AFTER_MS = 500

const HOLD: unique symbol = Symbol('@sess/express hold')

type Callback = (error?: unknown) => void
interface Output {
  data: string | Uint8Array
  encoding: string | null | undefined
  callback: Callback | null | undefined
}

/** The undocumented members of a ServerResponse. They are the same in Node 22 and 24. */
interface Internals {
  /** The head as text; null until it is rendered. */
  _header: string | null
  /** True if the head was passed to the socket, or is in `outputData`. */
  _headerSent: boolean
  /** The bytes that wait for the response's turn in the pipeline. */
  outputData: Output[]
  outputSize: number
  _onPendingData(bytes: number): void
  /** Sends body bytes. The head is sent before the first of them. */
  _send(data: Output['data'], encoding?: string | null, callback?: Callback | null, length?: number): boolean
  /** Sends bytes unchanged, without a head. */
  _writeRaw(data: Output['data'], encoding?: string | Callback | null, callback?: Callback | null): boolean
  /** Sends `outputData` to the socket. Called when the response's turn comes. */
  _flush(): void
  _hasBody: boolean
  _contentLength: number | null
  _trailer: string
  _removedConnection: boolean
  _removedContLen: boolean
  _removedTE: boolean
}
type Deferred = Omit<ServerResponse, keyof Internals | 'finished'> & Internals & { finished: boolean; [HOLD]: Hold }

// All responses share these functions, so that the engine can use one object shape for all of them.
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
 * The phase of a response.
 *
 * - `open`: the head has not left.
 * - `starting`: the head waits for `beforeHead`.
 * - `started`: the head has left.
 * - `asking`: bytes wait for the next microtask, which sees whether they are the last bytes.
 * - `ending`: the last bytes wait for `beforeEnd`.
 * - `dropping`: `beforeHead` has failed, and the handler has not ended its answer.
 * - `over`: nothing waits any more.
 *
 * After `dropping` the response is `open` again, for another answer.
 */
type Phase = 'open' | 'starting' | 'started' | 'asking' | 'ending' | 'dropping' | 'over'

class Hold {
  /** The streams that are piped into the response. */
  sources: Readable[] = []
  readonly original: Pick<Internals, '_send' | '_writeRaw' | '_flush'>
  readonly #res: Deferred
  readonly #hooks: ResponseHooks
  #phase: Phase

  constructor(res: Deferred, hooks: ResponseHooks) {
    const { _send, _writeRaw, _flush } = res
    this.original = { _send, _writeRaw, _flush }
    this.#res = res
    this.#hooks = hooks
    this.#phase = res._headerSent ? 'started' : 'open'
  }

  /** True if all bytes are kept: body bytes and others. */
  get holds(): boolean {
    const phase = this.#phase
    return phase !== 'open' && phase !== 'started' && phase !== 'over'
  }

  /** Returns true if body bytes may be sent now. If they have to wait for a hook, it starts the hook and returns false. */
  passes(): boolean {
    const phase = this.#phase
    if (phase === 'over') return true
    if (phase === 'open') {
      if (this.#hooks.pending) return (void this.#start(), false)
      this.#phase = 'started'
      this.#setHead()
      return true
    }
    if (phase !== 'started') return false
    if (!this.#hooks.changed) return true
    this.#phase = 'asking'
    queueMicrotask(() => void this.#ask())
    return false
  }

  /** Keeps bytes, as Node does until a response's turn comes. @returns False if the buffer is full, as `write` does. */
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

  /** Keeps body bytes, and the head before the first of them. Does the work of Node's `_send`. */
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
  /** The kept head as Node rendered it, and the entry of `outputData` that begins with it. */
  #kept: { readonly head: string; readonly at: Output } | undefined

  async #start(): Promise<void> {
    this.#phase = 'starting'
    try {
      await this.#hooks.beforeHead()
      // The handler ended the response, but changed the session while the first commit ran. So commit a second time, but not a third.
      if (this.#res.finished && this.#hooks.changed) await this.#hooks.beforeHead()
      this.#setHead()
    } catch (error) {
      return this.#fail(error)
    }
    this.#release()
  }

  async #ask(): Promise<void> {
    if (this.#res.finished && this.#hooks.changed) {
      this.#phase = 'ending'
      try {
        await this.#hooks.beforeEnd()
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
      const fields = this.#hooks.fields(present)
      if (fields.vary === undefined || fields['cache-control'] === undefined) return fields
      // Set for code that reads the fields afterwards, such as loggers. Node refuses to set fields while `_header` is set.
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
    // The response's turn in the pipeline has not come. Node counts the waiting bytes, and stops reading requests if there are many.
    if (socket?._httpMessage !== res) return res._onPendingData(res.outputSize)
    // Node did not count these bytes while they were held, so `_flush` must not subtract them.
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
      // After unpipe() nothing ends the response. Compression middleware may still hold bytes of the source.
      if (sources.length && !res.finished) res.end()
    } catch {
      // end() throws, for instance, if there are too few bytes for a strict Content-Length. The answer is dropped anyway.
    }
    this.#drop()
    // Writers that wait for `drain` would never end the answer.
    if (this.#phase === 'dropping' && res.writableNeedDrain) res.emit('drain')
  }
  #error: unknown
  #abandon: NodeJS.Timeout | undefined

  /** Drops the kept bytes. If the answer has ended, resets the response and calls `failed`. */
  #drop(): void {
    const res = this.#res
    if (this.#phase !== 'dropping') return
    if (res.destroyed) return this.#cut(this.#error)
    const dropped = res.outputData.splice(0)
    res.outputSize = 0
    // The last callback makes Node emit `finish`. That event belongs to the answer that is sent instead.
    if (res.finished) dropped.pop()
    callBack(dropped, this.#error)
    if (!res.finished) return
    clearTimeout(this.#abandon)
    this.#phase = 'open'
    this.#kept = undefined
    renew(res)
    this.#hooks.failed(this.#error, false)
  }

  /** Closes the connection, so that the client does not take the bytes that arrived for the complete response. */
  #cut(error: unknown): void {
    const res = this.#res
    clearTimeout(this.#abandon)
    this.#phase = 'over'
    res.destroy()
    callBack(res.outputData.splice(0, res.outputData.length - (res.finished ? 1 : 0)), error)
    this.#hooks.failed(error, true)
  }
}

function callBack(outputs: readonly Output[], error: unknown): void {
  for (const { callback } of outputs) if (callback) process.nextTick(callback, error)
}

/** The methods that middleware wraps to observe an answer. A wrapper has seen one answer, and must not see a second. */
const WRAPPED = ['write', 'end', 'flush', 'flushHeaders', 'writeHead', 'on', 'once', 'addListener'] as const

/** Resets a response that has ended, but of which no byte has left, for another answer. */
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
  // Node clears its flag that a writer waits for `drain` only when it flushes data, so an empty chunk is flushed.
  if (res.writableNeedDrain) {
    res.outputData.push({ data: '', encoding: 'latin1', callback: null })
    res._flush()
  }
  withoutBody(res)
}
