/**
 * A session store whose every call a test can hold, release, fail before or fail after.
 *
 * ```ts no-check
 * const store = heldStore()                      // flows like any store, until it is told to hold
 * const sessions = createSessions({ store, clock })
 * const session = await sessions.load(cookie)
 * session.data.theme = 'dark'
 *
 * store.hold()                                   // from now on every call waits: hold('replace', 'delete') for some alone
 * const commit = session.commit()
 * const [call] = await store.pending(1)          // until one call waits; rejects, and says what waits, if none comes
 * call.step                                      // { method: 'replace', key, record, expected, now }
 *
 * store.release()                                // applied and answered. Each of these takes the waiting call's index
 * store.failBefore(0)                            // (0, the oldest, by default) or the call: not applied; store_unavailable,
 * store.failBefore(0, new Error('reset'))        //   or any error: one that is no SessError is an unknown outcome
 * store.failAfter(0)                             // applied; the answer is lost: a plain Error, so the outcome is unknown
 * const late = store.failLate(0)                 // the answer is lost now …
 * store.land(late)                               // … and the call arrives at the store only here
 *
 * store.flow()                                   // releases what waits, and holds no more
 * store.calls                                    // the log: every call, with its client, step, fate and answer
 * store.called('read')                           // how many calls of a method (of all, without one)
 * store.records                                  // what is stored, by tag + id: to look in, or to forge in
 * store.client('B')                              // the same records and the same holding, for another process
 * ```
 *
 * Calls are numbered in the order in which they were made; `waiting` is in that order too. A list, a count, a
 * revocation or a sweep is one step, and one page, which is taken when it is released. Nothing here waits for time to pass.
 */
import { SessError } from '../src/error.ts'
import { GRACE_MS } from '../src/adapter.ts'
import type { SessionKey, SessionRecord, SessionStore, StoreTraits } from '../src/store.ts'
import { apply, copyRecord, type Method, type Records, type Step } from './records.ts'

/** What became of a call. `late`: its answer was lost and it has not arrived yet; `landed`: it has, since. */
export type Fate = 'waiting' | 'released' | 'failed before' | 'failed after' | 'late' | 'landed'

/** One call of the store. */
export interface Call {
  /** From 0, in the order of the calls. */
  readonly number: number
  /** Whose call it is: the name given to `client`; empty for the store itself. */
  readonly client: string
  readonly step: Step
  readonly fate: Fate
  /** What the store said, whether the caller heard it or not. */
  readonly answer?: unknown
}

/** A call that waits: its index among those that wait, or the call. */
export type Waiting = number | Call

/** See the top of this file. */
export interface HeldStore extends Required<Omit<SessionStore, 'close'>> {
  readonly calls: readonly Call[]
  readonly waiting: readonly Call[]
  readonly records: Records
  called(method?: Method): number
  client(name: string): SessionStore
  /** Holds calls of these methods, or all of them. */
  hold(...methods: Method[]): void
  flow(): void
  /** Waits until at least this many calls wait, and returns them. */
  pending(count: number): Promise<readonly [Call, ...Call[]]>
  release(which?: Waiting): Call
  failBefore(which?: Waiting, error?: unknown): Call
  failAfter(which?: Waiting, error?: unknown): Call
  failLate(which?: Waiting, error?: unknown): Call
  land(late: Call): Call
  /** Answers a call with anything, and applies nothing: for stores that lie, and for the explorer. */
  settle(which: Waiting, answer: Answer): Call
}

/** What a caller is told. */
export type Answer = { readonly value: unknown } | { readonly error: unknown }

/** Options of {@link heldStore}. */
export interface HeldStoreOptions {
  /** What is stored at the start. */
  readonly records?: Records
  /** Default: no bounds. */
  readonly traits?: Partial<StoreTraits>
}

const TRAITS: StoreTraits = Object.freeze({
  maxPayloadBytes: Number.MAX_SAFE_INTEGER,
  expiryResolutionMs: 1,
  needsPepper: false,
  staleMs: 0,
})

/** The error of a lost answer: no SessError, so the outcome is unknown. */
function lostAnswer(): Error {
  return new Error('the connection was cut before the answer came')
}

/** The error of a store that was never reached. */
function unreachable(): SessError {
  return new SessError('store_unavailable', 'the held store was told to be out of reach')
}

interface Entry {
  number: number
  client: string
  step: Step
  fate: Fate
  answer?: unknown
  reply: (answer: Answer) => void
}

/** Makes a store whose calls a test can hold. */
export function heldStore(options: HeldStoreOptions = {}): HeldStore {
  const records: Records = options.records ?? new Map()
  const traits: StoreTraits = Object.freeze({ ...TRAITS, ...options.traits })
  const calls: Entry[] = []
  let waiting: Entry[] = []
  let held: ((method: Method) => boolean) | undefined

  const call = async (client: string, step: Step): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const entry: Entry = { number: calls.length, client, step: detached(step), fate: 'waiting', reply: resolve }
    calls.push(entry)
    if (held?.(step.method)) waiting.push(entry)
    else answer(entry)
    const reply = await promise
    if ('error' in reply) throw reply.error
    return reply.value
  }

  const arrive = (entry: Entry): unknown => (entry.answer = apply(records, entry.step))
  const answer = (entry: Entry): void => {
    entry.fate = 'released'
    entry.reply({ value: detachedAnswer(arrive(entry)) })
  }
  const take = (which: Waiting): Entry => {
    const entry = typeof which === 'number' ? waiting[which] : waiting.find((item) => item === which)
    if (entry === undefined) throw new Error(`no such call waits; waiting: ${describe(waiting)}`)
    waiting = waiting.filter((item) => item !== entry)
    return entry
  }
  const lose = (which: Waiting, fate: Fate, error: unknown): Entry => {
    const entry = take(which)
    entry.fate = fate
    if (fate === 'failed after') arrive(entry)
    entry.reply({ error })
    return entry
  }

  return {
    ...storeOf('', traits, call),
    client: (name) => storeOf(name, traits, call),
    calls,
    records,
    get waiting() {
      return waiting
    },
    called: (method) => calls.filter((entry) => method === undefined || entry.step.method === method).length,
    hold(...methods) {
      held = methods.length === 0 ? () => true : (method) => methods.includes(method)
    },
    flow() {
      held = undefined
      for (const entry of waiting.splice(0)) answer(entry)
    },
    async pending(count) {
      for (let turns = 0; waiting.length < count; turns++) {
        if (turns === 100)
          throw new Error(`${count} calls should wait; waiting: ${describe(waiting)}; so far: ${describe(calls)}`)
        await turn()
      }
      return waiting as readonly Call[] as readonly [Call, ...Call[]]
    },
    release(which = 0) {
      const entry = take(which)
      answer(entry)
      return entry
    },
    failBefore: (which = 0, error = unreachable()) => lose(which, 'failed before', error),
    failAfter: (which = 0, error = lostAnswer()) => lose(which, 'failed after', error),
    failLate: (which = 0, error = lostAnswer()) => lose(which, 'late', error),
    land(late) {
      const entry = calls.find((item) => item === late && item.fate === 'late')
      if (entry === undefined) throw new Error(`call ${late.number} is ${late.fate}, not late`)
      entry.fate = 'landed'
      arrive(entry)
      return entry
    },
    settle(which, reply) {
      const entry = take(which)
      entry.fate = 'released'
      if ('value' in reply) entry.answer = reply.value
      entry.reply(reply)
      return entry
    },
  }
}

function storeOf(
  client: string,
  traits: StoreTraits,
  call: (client: string, step: Step) => Promise<unknown>,
): Required<Omit<SessionStore, 'close'>> {
  const make = <T>(step: Step): Promise<T> => call(client, step) as Promise<T>
  type Entries = readonly (readonly [SessionKey, SessionRecord])[]
  return {
    name: 'held',
    traits,
    read: (key, now, { fresh = false } = {}) => make({ method: 'read', key, now, fresh }),
    create: (key, record, now) => make({ method: 'create', key, record, now }),
    replace: (key, expected, record, now) => make({ method: 'replace', key, record, expected, now }),
    touch: (key, expected, expiresAt, now) => make({ method: 'touch', key, expiresAt, expected, now }),
    delete: (key, now) => make({ method: 'delete', key, now }),
    async *list(subject, now) {
      yield* await make<Entries>({ method: 'list', subject, now })
    },
    async *all(now) {
      yield* await make<Entries>({ method: 'all', now })
    },
    async *deleteSubject(subject, now, except) {
      yield await make<number>({ method: 'deleteSubject', subject, now, ...(except && { except }) })
    },
    async *count(now) {
      yield await make<number>({ method: 'count', now })
    },
    async *sweep(now) {
      // Its clock is the caller's.
      yield await make<number>({ method: 'sweep', now: now - GRACE_MS })
    },
  }
}

/** The step with a record that the caller cannot change any more. */
function detached(step: Step): Step {
  return 'record' in step ? { ...step, record: copyRecord(step.record) } : step
}

function detachedAnswer(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(([key, record]) => [key, copyRecord(record)])
  return typeof answer === 'object' && answer !== null ? copyRecord(answer as never) : answer
}

function describe(calls: readonly Call[]): string {
  return (
    calls
      .map(({ number, client, step, fate }) => `#${number} ${client && `${client} `}${step.method} (${fate})`)
      .join(', ') || 'none'
  )
}

/** One turn of the event loop: every microtask has run. Taken at import, so that fake timers do not stop it. */
const immediate = setImmediate
export function turn(): Promise<void> {
  return new Promise((resolve) => immediate(resolve))
}
