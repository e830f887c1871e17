import type { ServerResponse } from 'node:http'

/** What a response waits for before its first byte, and before its last. */
export interface Gates {
  /** Before the head leaves: the place for a commit, and for header fields. */
  start(): Promise<void>
  /** Before the end of a response that had started. */
  end(): Promise<void>
  /** A gate rejected. What was to be sent before the start is dropped, and the response may be used anew. */
  failed(error: unknown): void
}

/** The methods by which bytes leave. */
const METHODS = ['flushHeaders', 'write', 'end'] as const

type Method = (typeof METHODS)[number]
type Methods = Record<Method | 'writeHead', (...values: unknown[]) => unknown>

/** Header fields that belong to what was to be sent, and not to the error that is sent instead. */
const OF_THE_BODY =
  'content-length content-type content-encoding content-range accept-ranges etag last-modified location'.split(' ')

/**
 * Holds a response back while its gates are passed: calls in the meantime wait in line, in order. Writers are told to wait
 * for `drain`; `headersSent` is true from the first of these calls on, as it would be without.
 */
export function defer(res: ServerResponse, gates: Gates): void {
  const own = res as unknown as Methods
  const { writeHead } = own
  const original = Object.fromEntries(METHODS.map((method) => [method, own[method]])) as Methods
  const send = (method: Method, values: unknown[]): unknown => original[method].apply(res, values)
  let waiting: [Method, unknown[]][] | undefined
  let started = false
  let ended = false

  const pass = async (gate: Promise<void>): Promise<void> => {
    const line: [Method, unknown[]][] = []
    waiting = line
    Object.defineProperty(res, 'headersSent', { value: true, configurable: true })
    try {
      await gate
    } catch (error) {
      Object.assign(res, original, { writeHead })
      Reflect.deleteProperty(res, 'headersSent')
      if (!res.headersSent) for (const name of OF_THE_BODY) res.removeHeader(name)
      gates.failed(error)
      return
    }
    Reflect.deleteProperty(res, 'headersSent')
    waiting = undefined
    started = true
    for (const [method, values] of line) send(method, values)
    if (!ended && line.length && !res.writableNeedDrain) res.emit('drain')
  }

  // The head leaves with the first byte: until then this sets what it will say. Fields given to Node's own writeHead would
  // replace those that the gate sets.
  own.writeHead = (status, ...rest) => {
    if (started) return writeHead.call(res, status, ...rest)
    res.statusCode = status as number
    for (const value of rest) {
      if (typeof value === 'string') res.statusMessage = value
      else if (value) setAll(res, value)
    }
    return res
  }
  for (const method of METHODS) {
    own[method] = (...values) => {
      if (!waiting && !ended) {
        if (!started) void pass(gates.start())
        else if (method === 'end') void pass(gates.end())
      }
      if (!waiting) return send(method, values)
      // After the end nothing gets in line any more.
      if (!ended) waiting.push([method, values])
      ended ||= method === 'end'
      return method === 'write' ? false : res
    }
  }
}

/** Sets header fields as `writeHead` takes them: an object, or names and values in turn. */
function setAll(res: ServerResponse, fields: object): void {
  if (!Array.isArray(fields)) {
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) res.setHeader(name, value as string)
    return
  }
  const flat = fields.flat() as string[]
  for (let i = 0; i < flat.length; i += 2) res.removeHeader(flat[i]!)
  for (let i = 0; i < flat.length; i += 2) res.appendHeader(flat[i]!, String(flat[i + 1]))
}
