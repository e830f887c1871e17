import assert from 'node:assert/strict'
import { createSessions, memoryStore, SessError, type Session, type Sessions, type SessionStore } from '@sess/core'
import type { HttpAnswer, HttpApp, HttpAsked, HttpCase, HttpHarness } from './contract.ts'
import { Client, type Answer, type Ask } from './client.ts'

type Method = keyof SessionStore
type Handler = (session: Session, asked: HttpAsked) => HttpAnswer | Promise<HttpAnswer>

/** Options of the application of a row. */
export interface AppOptions extends Partial<Pick<HttpApp, 'cookie' | 'private' | 'trustProxy' | 'before' | 'after'>> {
  /** The error handler. Default: the error's status, or 500, and its code or message as text. */
  readonly handleError?: (error: Error, session: () => Session) => HttpAnswer | Promise<HttpAnswer>
  /** True: the handler itself asks the binding for the session, and its first argument is undefined. Default: false. */
  readonly asksLate?: boolean
}

/** An application that is served for one row, and the row's control of its store. */
export interface Trial {
  readonly sessions: Sessions
  /** The methods of the store, in the order of their calls. */
  readonly calls: Method[]
  /** The names of the emitted events; for an error, `error` and the operation: `error commit`. */
  readonly events: string[]
  /** The errors that reached the application's error handler. */
  readonly errors: unknown[]
  /** Makes these methods of the store fail from now on, without a write. */
  fail(...methods: Method[]): void
  /** Ends all failures. */
  repair(): void
  /** Makes the next call of this method wait until `release`. */
  hold(method: Method): { readonly reached: Promise<void>; readonly release: () => void }
  readonly client: Client
  get(path?: string, ask?: Ask): Promise<Answer>
  /** Stores a session with this data, anonymous or of a subject. It resolves to `name=value` of its cookie. */
  begin(data?: Record<string, unknown>, subject?: string): Promise<string>
  /** Loads the session of a cookie. */
  stored(cookie: string): Promise<Stored>
}

/** A session as a later request loads it. */
export interface Stored {
  readonly status: Session['status']
  readonly subject: string | undefined
  readonly data: Record<string, unknown>
}

/** Makes a row of the table. */
export function row(
  id: string,
  text: string,
  handle: Handler,
  check: (trial: Trial) => Promise<void>,
  options: AppOptions = {},
): HttpCase {
  return {
    id,
    text,
    run: (harness, patienceMs = 20_000) =>
      tryOut(harness, handle, (trial) => within(patienceMs, check(trial)), options),
  }
}

/** Waits with a timeout in ms, because a broken binding may leave a row waiting for ever. @throws {Error} At the timeout. */
async function within(patienceMs: number, ending: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the row did not end within ${patienceMs} ms`)), patienceMs)
  try {
    await Promise.race([ending, late])
  } finally {
    clearTimeout(timer)
  }
}

async function tryOut(
  harness: HttpHarness,
  handle: Handler,
  check: (trial: Trial) => Promise<void>,
  options: AppOptions,
): Promise<void> {
  const calls: Method[] = []
  const failing = new Set<Method>()
  const held = new Map<Method, { arrive: () => void; gate: Promise<void> }>()
  const store = new Proxy(memoryStore(), {
    get(target, name: Method) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        calls.push(name)
        const hold = held.get(name)
        held.delete(name)
        hold?.arrive()
        await hold?.gate
        if (failing.has(name)) throw new SessError('store_unavailable', 'the store is down')
        return value.apply(target, args) as unknown
      }
    },
  })
  const sessions = createSessions({ store, log: false })
  const events: string[] = []
  for (const name of ['insecure', 'uncacheable_late'] as const) sessions.on(name, () => void events.push(name))
  sessions.on('error', ({ operation }) => void events.push(`error ${operation}`))
  const errors: unknown[] = []
  const cookie = { secure: false, name: 'sid', ...options.cookie }
  const served = await harness.serve({
    sessions,
    cookie,
    private: options.private ?? false,
    trustProxy: options.trustProxy ?? false,
    before: options.before ?? [],
    after: options.after ?? [],
    // If the handler has no parameter, the binding is not asked for the session.
    async handle(asked) {
      if (handle.length === 0) return (handle as () => HttpAnswer)()
      return handle(options.asksLate ? (undefined as never) : asked.session(), asked)
    },
    async handleError(error, session) {
      errors.push(error)
      return await (options.handleError ?? answerError)(error as Error, session)
    },
  })
  const client = new Client(served.url, cookie.name)
  const value = (pair: string): string => pair.slice(pair.indexOf('=') + 1)
  try {
    await check({
      sessions,
      calls,
      events,
      errors,
      fail(...methods) {
        for (const method of methods) failing.add(method)
      },
      repair: () => failing.clear(),
      hold(method) {
        const reached = Promise.withResolvers<void>()
        const gate = Promise.withResolvers<void>()
        held.set(method, { arrive: reached.resolve, gate: gate.promise })
        return { reached: reached.promise, release: gate.resolve }
      },
      client,
      get: (path = '/app', ask = {}) => client.ask(path, ask),
      async begin(data = { n: 1 }, subject) {
        const session = await sessions.load(undefined)
        Object.assign(session.data, data)
        const { cookieValue } = subject === undefined ? await session.commit() : await session.login(subject)
        calls.length = 0
        return `${cookie.name}=${cookieValue!}`
      },
      async stored(pair) {
        const session = await sessions.load(value(pair))
        return { status: session.status, subject: session.subject, data: { ...session.data } }
      },
    })
  } finally {
    client.close()
    await served.close()
  }
}

function answerError(error: Error): HttpAnswer {
  const { status = 500, code } = error as Partial<SessError>
  return { status, headers: [['content-type', 'text/plain']], body: code ?? error.message }
}

/** Makes the answer of a handler from text. */
export function text(body: string, ...headers: [name: string, value: string][]): HttpAnswer {
  return { headers: [['content-type', 'text/plain'], ...headers], body }
}

/** Returns the header fields of an answer that sessions set: Vary, Cache-Control, and the number of cookies. */
export function fields({
  headers,
  cookies,
}: Answer): [vary: string | undefined, caching: string | undefined, cookies: number] {
  return [headers['vary'], headers['cache-control'], cookies.length]
}

/** Polls until a value is as expected, for a change that emits no event. @throws {AssertionError} After 10 s. */
export async function eventually<T>(look: () => T | Promise<T>, expected: T): Promise<void> {
  const until = performance.now() + 10_000
  for (;;) {
    const seen = await look()
    try {
      return assert.deepEqual(seen, expected)
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
