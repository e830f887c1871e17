import * as fc from 'fast-check'

/** Middleware that the programs meet. `hooks` is ours: it wraps methods of the response and notes each call. */
export const MIDDLEWARE = [
  'compression',
  'helmet',
  'morgan',
  'on-headers',
  'response-time',
  'serve-static',
  'multer',
  'proxy',
  'hooks',
] as const
export type Middleware = (typeof MIDDLEWARE)[number]

/** What a request does with its session. */
export const STATES = ['untouched', 'touched', 'changed', 'created'] as const
export type State = (typeof STATES)[number]

/** One thing that a handler does with its response. */
export type Call =
  | { readonly do: 'status'; readonly status: number }
  | { readonly do: 'set' | 'append'; readonly name: string; readonly value: string }
  | { readonly do: 'remove' | 'read'; readonly name: string }
  | { readonly do: 'writeHead'; readonly status: number; readonly form: 'bare' | 'object' | 'list' | 'reason' }
  | { readonly do: 'write'; readonly size: number; readonly text: boolean; readonly callback: boolean }
  | { readonly do: 'writeAndWait'; readonly size: number }
  | { readonly do: 'end'; readonly size: number; readonly text: boolean; readonly callback: boolean }
  | { readonly do: 'strict'; readonly length: number }
  | { readonly do: 'send' | 'json'; readonly size: number }
  | { readonly do: 'pipe'; readonly sizes: readonly number[] }
  | { readonly do: 'corked'; readonly sizes: readonly number[] }
  | { readonly do: Bare }

/** Calls that take nothing. */
type Bare =
  | 'flushHeaders'
  | 'flush'
  | 'trailers'
  | 'earlyHints'
  | 'processing'
  | 'redirect'
  | 'sendFile'
  | 'destroy'
  | 'turn'
  | 'change'

/** A request, the app that it meets, and what its handler does. */
export interface Program {
  readonly express: 4 | 5
  /** In front of the session, and behind it. */
  readonly before: readonly Middleware[]
  readonly after: readonly Middleware[]
  readonly state: State
  /** Whether the session is first touched right behind its middleware, or by the handler, before this call. */
  readonly touchAt: 'middleware' | number
  /** Turns of the event loop that each write into the store takes. */
  readonly storeTurns: number
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly version: '1.0' | '1.1'
  readonly gzip: boolean
  readonly range: boolean
  /** Alone on its connection, or the first or second of two requests that are sent in one piece. */
  readonly place: 'alone' | 'first' | 'second'
  /** Who answers. */
  readonly answer: 'handler' | 'static' | 'proxy'
  readonly calls: readonly Call[]
}

const size = fc.constantFrom(0, 0, 1, 5, 100, 3000, 20_000, 70_000)
const field = fc.constantFrom('X-A', 'X-B', 'Vary', 'Cache-Control', 'Content-Type', 'Content-Length', 'ETag')
const status = fc.constantFrom(200, 200, 201, 204, 304, 404, 500)
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Vary: ['Accept', 'Cookie', 'Accept, Origin'],
  'Cache-Control': ['public, max-age=60', 'no-cache', 'private', 'no-store, s-maxage=1'],
  'Content-Type': ['text/plain', 'image/png', 'text/event-stream', 'application/json'],
  'Content-Length': ['0', '5', '100', '3000'],
  ETag: ['"a"', 'W/"b"'],
}
const valueOf = (name: string): fc.Arbitrary<string> => fc.constantFrom(...(VALUES[name] ?? ['one', 'two']))
const named = (what: 'set' | 'append'): fc.Arbitrary<Call> =>
  field.chain((name) => valueOf(name).map((value) => ({ do: what, name, value })))
const plain = (...names: Bare[]): fc.Arbitrary<Call> => fc.constantFrom(...names).map((name) => ({ do: name }))

/** What sends nothing yet. */
const early: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('status' as const), status }) },
  { weight: 3, arbitrary: named('set') },
  { weight: 1, arbitrary: named('append') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name: field }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const), name: field }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('strict' as const), length: fc.constantFrom(5, 100, 105) }) },
  { weight: 4, arbitrary: plain('earlyHints', 'processing', 'turn') },
)
const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 8, arbitrary: early },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('writeHead' as const),
      status,
      form: fc.constantFrom('bare', 'object', 'list', 'reason'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('write' as const), size, text: fc.boolean(), callback: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('writeAndWait' as const), size: fc.constantFrom(3000, 70_000, 200_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('end' as const), size, text: fc.boolean(), callback: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('send' as const, 'json' as const), size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pipe' as const), sizes: fc.array(size, { maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('corked' as const), sizes: fc.array(size, { maxLength: 3 }) }) },
  { weight: 10, arbitrary: plain('flushHeaders', 'flush', 'trailers', 'turn', 'change') },
  { weight: 3, arbitrary: plain('redirect', 'sendFile', 'destroy') },
)
const calls = fc
  .tuple(fc.array(early, { minLength: 1, maxLength: 4 }), fc.array(call, { minLength: 4, maxLength: 9 }))
  .map(([first, rest]) => [...first, ...rest])

const some = fc.uniqueArray(fc.constantFrom(...MIDDLEWARE), { maxLength: 3 })

/** Programs of five calls or more. */
export const programs: fc.Arbitrary<Program> = fc
  .record({
    express: fc.constantFrom(4, 5),
    before: some,
    after: some,
    state: fc.constantFrom(...STATES),
    touchAt: fc.oneof(fc.constant('middleware' as const), fc.nat({ max: 5 })),
    storeTurns: fc.nat({ max: 3 }),
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST'),
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    gzip: fc.boolean(),
    range: fc.boolean(),
    place: fc.constantFrom('alone', 'first', 'second'),
    answer: fc.constantFrom('handler', 'handler', 'handler', 'handler', 'handler', 'handler', 'static', 'proxy'),
    calls,
  } satisfies { [Name in keyof Program]: fc.Arbitrary<Program[Name]> })
  // What is in front need not be behind as well.
  .map((program) => ({ ...program, after: program.after.filter((name) => !program.before.includes(name)) }))
