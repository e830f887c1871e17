import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { session } from '@sess/express'
import type { Request, Response } from 'express'
import { answer, type Seen } from './handler.ts'
import { compresses, expressOf, middleware, type Notes } from './stack.ts'
import type { Call, Program, State } from './programs.ts'
import type { Row } from './promises.ts'

/** What a program did, and what came of it. */
export interface Observed extends Seen, Notes {
  /** All that arrived, as Latin-1. */
  readonly bytes: string
  /** What the session was used for in the end. */
  readonly state: State
  /** What is wrong with the session itself. */
  readonly faults: readonly string[]
}

/** A run hangs if so many of its looks in succession find that nothing has arrived in this process meanwhile. */
const QUIET_LOOKS = 20
/** The time between two looks, in ms. */
const LOOK_EVERY_MS = 100

/** Runs programs with and without the session, on a server of its own. */
export class Lab implements AsyncDisposable {
  readonly #server: Server
  readonly #upstream: Server
  readonly #apps = new Map<string, RequestListener>()
  readonly #sessions: Sessions<Partial<{ n: number }>>
  #turns = 0
  #writes = 0
  #runs = 0

  private constructor(server: Server, upstream: Server) {
    this.#server = server
    this.#upstream = upstream
    const store = memoryStore()
    const slow =
      <Values extends unknown[], Result>(write: (...values: Values) => Promise<Result>) =>
      async (...values: Values): Promise<Result> => {
        for (let turn = this.#turns; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
        const result = await write.apply(store, values)
        this.#writes++
        return result
      }
    Object.assign(store, { create: slow(store.create), replace: slow(store.replace) })
    this.#sessions = createSessions<{ n: number }>({ store, log: false })
    server.on('request', (req, res) => {
      const [, id = '', ...rest] = req.url!.split('/')
      req.url = `/${rest.join('/')}`
      this.#apps.get(id)!(req, res)
    })
    this.#apps.set('tail', (_req, res) => void res.end('tail'))
    this.#apps.set('slow', (_req, res) => void setImmediate(() => setImmediate(() => res.end('slow'))))
  }

  static async open(): Promise<Lab> {
    const upstream = createServer((req, res) => {
      res.setHeader('Vary', 'X-Upstream')
      res.setHeader('Cache-Control', 'public, max-age=9')
      if (req.headers['range']) return void res.end('x'.repeat(50_000))
      res.write('a')
      res.end('b')
    })
    const server = createServer({ keepAliveTimeout: 0 })
    for (const each of [server, upstream]) await once(each.listen(0, '127.0.0.1'), 'listening')
    return new Lab(server, upstream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.#server, this.#upstream]) {
      each.closeAllConnections()
      await new Promise((resolve) => each.close(resolve))
    }
  }

  /** @returns Undefined: it does not come to its end. */
  async run(program: Program, withSession: boolean): Promise<Observed | undefined> {
    const id = `run${this.#runs++}`
    const rows = new Set<Row>()
    const notes: Notes = { hooks: [], morgan: [], rows }
    const seen: Seen = { calls: [], callbacks: [], events: [], rows }
    const faults: string[] = []
    this.#turns = program.storeTurns
    const cookie = withSession && needsCookie(program) ? await this.#begin() : undefined
    let n = 1
    const used: { state: State } = { state: 'untouched' }
    const over: Promise<unknown>[] = []

    const touches = (req: Request, res: Response): { touch: () => void; change: () => void } => ({
      touch: () => {
        if (res.destroyed) return
        used.state = program.state
        if (!withSession || used.state === 'untouched') return
        if (used.state === 'touched') void req.session.subject
        else req.session.data.n = ++n
      },
      change: () => {
        // What is changed when the response has closed is lost with its request.
        if (withSession && !res.destroyed && (used.state === 'changed' || used.state === 'created'))
          req.session.data.n = ++n
      },
    })
    const app = expressOf(program)()
    const { port } = this.#upstream.address() as AddressInfo
    const use = (name: Program['before'][number]): unknown =>
      app.use(middleware(name, program, `http://127.0.0.1:${port}`, notes))
    app.use((_req, res, next) => {
      over.push(new Promise((resolve) => res.once('close', resolve)))
      for (const event of ['finish', 'close'])
        res.on(event, () => {
          if (event === 'finish') rows.add('writableFinished')
          seen.events.push(`${event} ${event === 'finish' ? res.writableFinished : ''}`)
        })
      // Of a write after the end: whether the response has been closed by then is a matter of time.
      res.on('error', () => {})
      next()
    })
    for (const name of program.before) use(name)
    // What loads nothing calls the next in a later turn as well.
    const loaded = (): Promise<unknown> => this.#sessions.load(undefined)
    if (withSession) app.use(session(this.#sessions, { cookie: { secure: false } }))
    else app.use((_req, _res, next) => void loaded().then(() => next(), next))
    app.use((req, res, next) => {
      if (program.touchAt === 'middleware') touches(req, res).touch()
      next()
    })
    for (const name of program.after) use(name)
    app.use((req: Request, res: Response) => {
      over.push(answer(res, program, seen, touches(req, res)))
    })
    this.#apps.set(id, app)
    const writes = this.#writes
    try {
      const bytes = await unlessHanging(async () => {
        const arrived = await this.#ask(program, id, cookie, (first) => {
          const started = program.place === 'alone' && !/^HTTP\/1.1 10/.test(first)
          if (!withSession || !started || program.touchAt !== 'middleware' || this.#writes > writes) return
          if (used.state === 'changed' || used.state === 'created') faults.push('a byte left before the commit')
        })
        for (let i = 0; i < over.length; i++) await over[i]
        return arrived
      })
      if (bytes === undefined) return undefined
      if (program.version === '1.0') rows.add('HTTP/1.0')
      if (program.place !== 'alone') rows.add('pipelined')
      if (program.method === 'HEAD') rows.add('HEAD')
      if (
        withSession &&
        (used.state === 'changed' || (used.state === 'created' && seen.events[0]?.startsWith('finish') === true))
      ) {
        const value = cookie ?? /\r\nSet-Cookie: sid=([\w-]+)/.exec(bytes)?.[1]
        if (!(await this.#holds(value, n))) faults.push('what changed is not stored')
      }
      return { ...seen, ...notes, bytes, state: used.state, faults }
    } finally {
      this.#apps.delete(id)
    }
  }

  async #begin(): Promise<string> {
    const made = await this.#sessions.load(undefined)
    made.data.n = 1
    return (await made.commit()).cookieValue!
  }

  /** Whether this is stored, at the latest when the commit that nobody waits for has ended. */
  async #holds(cookie: string | undefined, n: number): Promise<boolean> {
    for (let turn = 0; turn < 50; turn++) {
      if ((await this.#sessions.load(cookie)).data.n === n) return true
      await new Promise((resolve) => setImmediate(resolve))
    }
    return false
  }

  async #ask(
    program: Program,
    id: string,
    cookie: string | undefined,
    onFirst: (bytes: string) => void,
  ): Promise<string> {
    const { port } = this.#server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(requestsOf(program, id, cookie))
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => {
      if (!chunks.length) onFirst(chunk.toString('latin1'))
      chunks.push(chunk)
    })
    socket.on('error', () => {})
    await once(socket, 'close')
    return Buffer.concat(chunks).toString('latin1')
  }
}

/** Whether its request carries the cookie of a session that is there. */
function needsCookie({ state, storeTurns }: Program): boolean {
  return state === 'changed' || (state === 'touched' && storeTurns % 2 === 0)
}

function requestsOf(program: Program, id: string, cookie: string | undefined): string {
  const { method, version, gzip, range, place } = program
  const path = { handler: 'answer', static: 'file.txt', proxy: 'proxied' }[program.answer]
  const body = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
  const fields = [
    `${method} /${id}/${path} HTTP/${version}`,
    'Host: a',
    ...(cookie === undefined ? [] : [`Cookie: sid=${cookie}`]),
    ...(gzip ? ['Accept-Encoding: gzip'] : []),
    ...(range ? ['Range: bytes=2-9'] : []),
    ...(method === 'POST' ? ['Content-Type: multipart/form-data; boundary=x', `Content-Length: ${body.length}`] : []),
    ...(place === 'first' ? [] : ['Connection: close']),
  ]
  const request = `${fields.join('\r\n')}\r\n\r\n${method === 'POST' ? body : ''}`
  const other = (name: string, more: string): string => `GET /${name} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
  if (place === 'first') return request + other('tail', 'Connection: close\r\n')
  return place === 'second' ? other('slow', '') + request : request
}

/** @returns Undefined: the work hangs. */
async function unlessHanging<T>(work: () => Promise<T>): Promise<T | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([work(), silence(over.signal).catch(() => undefined)])
  } finally {
    over.abort()
  }
}

/**
 * Resolves when this process, which has all servers and clients, receives nothing any more. This does not depend on the speed of the
 * machine: between two looks, the event loop handles what has arrived.
 */
async function silence(signal: AbortSignal): Promise<undefined> {
  let seen = NaN
  for (let quiet = 0; quiet < QUIET_LOOKS; quiet++) {
    await setTimeout(LOOK_EVERY_MS, undefined, { signal })
    const { events } = performance.nodeTiming.uvMetricsInfo
    if (events !== seen) quiet = 0
    seen = events
  }
}

/** A program that means something: a new session can be made only before the head has left. */
export function sensible(program: Program): Program {
  const within = [...program.before, ...program.after]
  // What a stream writes too much of is an uncaught exception, with a session or without.
  const streams = compresses(program) || program.calls.some((call) => call.do === 'pipe' || call.do === 'sendFile')
  // Node never closes a response that is destroyed before its turn has come.
  const alone =
    program.version === '1.0' || program.calls.some(({ do: name }) => name === 'destroy' || name === 'strict')
  const place = alone ? 'alone' : program.place
  const idle = (call: Call): boolean =>
    (call.do === 'strict' && streams) ||
    // Before its turn has come, Node sends the head in front of them where the body is no text.
    ((call.do === 'earlyHints' || call.do === 'processing') && place === 'second')
  return {
    ...program,
    place,
    // A body that multer has read is not there for the proxy.
    ...(program.answer === 'proxy' && program.method === 'POST' && { method: 'GET' }),
    calls: program.calls.map((call) => (idle(call) ? { do: 'turn' } : call)),
    ...(program.state === 'created' && program.touchAt !== 'middleware' && { touchAt: 0 }),
    ...(((program.answer === 'static' && !within.includes('serve-static')) ||
      (program.answer === 'proxy' && !within.includes('proxy'))) && { answer: 'handler' }),
  }
}

/** How a run with the session differs from one without. Empty: in nothing but the session's own fields. */
export function differences(program: Program, bare: Observed, held: Observed): string[] {
  const found = [...held.faults]
  const equal = (what: string, a: unknown, b: unknown): void => {
    const [without, having] = [JSON.stringify(a), JSON.stringify(b)]
    if (without === having) return
    let at = 0
    while (without[at] === having[at]) at++
    const from = Math.max(0, at - 60)
    found.push(`${what}: without …${without.slice(from, at + 160)} with …${having.slice(from, at + 160)}`)
  }
  // When a connection that is destroyed is closed is no promise, nor how much of what was written before leaves with it.
  const cut = bare.rows.has('destroy') || bare.events[0]?.startsWith('close') === true
  let [a, b] = [plain(bare.bytes, program, cut), plain(held.bytes, program, cut)]
  if (cut) [a, b] = [a.slice(0, b.length), b.slice(0, a.length)]
  equal('bytes', a, b)
  if (cut) return found
  const touched = held.state !== 'untouched'
  const [vary, caching] = [namesIn(held.bytes, 'vary'), namesIn(held.bytes, 'cache-control')]
  for (const name of namesIn(bare.bytes, 'vary')) if (!vary.has(name)) found.push(`Vary lost ${name}`)
  for (const name of namesIn(bare.bytes, 'cache-control'))
    if (!caching.has(name) && !(touched && /^(?:public|s-maxage=1)$/.test(name)))
      found.push(`Cache-Control lost ${name}`)
  if (touched && program.touchAt === 'middleware' && !vary.has('cookie')) found.push('Vary lacks Cookie')
  if (touched && program.touchAt === 'middleware' && !caching.has('private') && !caching.has('no-store'))
    found.push('the answer is not private')
  for (const name of ['calls', 'callbacks', 'events', 'hooks', 'morgan'] as const) equal(name, bare[name], held[name])
  return found
}

/** What the fields of a name list, in all heads. */
function namesIn(bytes: string, field: string): Set<string> {
  const values = bytes.matchAll(new RegExp(`\\r\\n${field}: ([^\\r]*)`, 'gi'))
  return new Set([...values].flatMap(([, value]) => value!.toLowerCase().split(/, */)))
}

/** Bytes without what differs from run to run, and without the session's own fields. */
function plain(bytes: string, program: Program, cut: boolean): string {
  const text = bytes
    .replaceAll(/\r\nDate: [^\r]*/gi, '')
    .replaceAll(/X-Response-Time: [\d.]+/g, 'X-Response-Time: 0')
    .replaceAll(/\r\nSet-Cookie: sid=[^\r]*/g, '')
    .replaceAll(/\r\n(?:vary|cache-control): [^\r]*/gi, '')
  if (!compresses(program)) return text
  // In how many pieces compressed bytes come is a matter of time.
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 2)
  return cut ? head : head + text.slice(head.length).replaceAll(/\r\n[\da-f]+\r\n/g, '')
}
