/**
 * The behaviour of requests, as trees.
 *
 * A request only sees the answers to its calls and the clock, and here its random bytes are always the same. So its behaviour is a
 * function of the answers so far. This is a tree: each point has the call for which the request waits, or its end; and a branch for each
 * answer. A branch is run, with the real core on a held store, when a schedule takes it for the first time. The millions of other
 * schedules that take it again reuse the result.
 */
import { heldStore } from '../held-store.ts'
import { handle, type Step } from '../records.ts'
import type { SessionRecord } from '../../src/store.ts'
import type { Core } from './core.ts'
import { move, Stream } from './determinism.ts'
import { BEGIN, optionsOf, serve, timeAt, type Data, type Ending, type Request, type Start } from './requests.ts'

/** The result of a call for a request: an answer, an error because the store cannot be reached, or an error because the answer was lost. */
export type Heard = { readonly value: unknown } | 'refused' | 'lost'

/** The state of a request after a history of answers. */
export interface Point {
  readonly number: number
  /** The call for which it waits; undefined if the request has ended. */
  readonly call?: Step
  readonly end?: Ending
  /** The point before, and the answer that led here; undefined at the root. */
  readonly from?: { readonly point: Point; readonly heard: Heard; readonly now: number }
  readonly next: Map<string, Point>
}

/** Makes records with the same content the same object, with a number. */
export class Catalogue {
  readonly #byContent = new Map<string, SessionRecord>()
  readonly #numbers = new WeakMap<SessionRecord, number>()

  /** Returns the object for a record's key and content. */
  only(name: string, record: SessionRecord): SessionRecord {
    if (this.#numbers.has(record)) return record
    const { revision, expiresAt, subject, payload } = record
    const content = `${name} ${revision} ${expiresAt} ${subject ?? ''} ${Buffer.from(payload).toString('latin1')}`
    const known = this.#byContent.get(content)
    if (known) return known
    this.#numbers.set(record, this.#byContent.size)
    this.#byContent.set(content, record)
    return record
  }

  number(record: SessionRecord): number {
    const number = this.#numbers.get(record)
    if (number === undefined) throw new Error('a record was not taken into the catalogue')
    return number
  }

  /** A short text that identifies a set of records. */
  nameAll(records: ReadonlyMap<string, SessionRecord>): string {
    const numbers: number[] = []
    for (const record of records.values()) numbers.push(this.number(record))
    return numbers.length > 1 ? numbers.sort((a, b) => a - b).join() : String(numbers[0])
  }

  /** A short text that identifies an answer. */
  name(heard: Heard): string {
    if (typeof heard === 'string') return heard
    const { value } = heard
    if (Array.isArray(value)) return value.map(([, record]) => this.number(record as SessionRecord)).join('+')
    return typeof value === 'object' && value !== null ? `r${this.number(value as SessionRecord)}` : String(value)
  }
}

/** The tree of one request after one start. */
export class Run {
  readonly request: Request
  readonly #core: Core
  readonly #start: Start
  readonly #catalogue: Catalogue
  readonly #numbers: { last: number }
  #root: Point | undefined

  constructor(core: Core, start: Start, request: Request, catalogue: Catalogue, numbers: { last: number }) {
    this.#core = core
    this.#start = start
    this.request = request
    this.#catalogue = catalogue
    this.#numbers = numbers
  }

  async root(): Promise<Point> {
    return (this.#root ??= await this.#execute([]))
  }

  /** The point that follows after an answer, at a time of the request's own clock. It is known already, or is run now. */
  next(point: Point, heard: Heard, now: number): Point | Promise<Point> {
    const name = `${this.#catalogue.name(heard)}@${now - BEGIN}`
    return point.next.get(name) ?? this.#grow(point, heard, now, name)
  }

  async #grow(point: Point, heard: Heard, now: number, name: string): Promise<Point> {
    const from = { point, heard, now }
    const grown = await this.#execute(historyTo(point).concat(from), from)
    point.next.set(name, grown)
    return grown
  }

  /** Runs the request with a history of answers. */
  async #execute(history: readonly NonNullable<Point['from']>[], from?: Point['from']): Promise<Point> {
    const store = heldStore()
    const stream = new Stream(`request ${this.request.seat}`)
    let now = timeAt(this.request, BEGIN)
    let end: Ending | undefined
    store.hold()
    await move(stream, () => {
      const sessions = this.#core.createSessions<Data>({
        store,
        clock: () => now,
        sweepEvery: false,
        ...optionsOf(this.#start.name),
      })
      void serve(this.#core, sessions, this.#start, this.request).then((ending) => (end = ending))
    })
    for (const step of history) {
      now = step.now
      await move(stream, () => void store.settle(0, answerOf(this.#core, step.heard)))
    }
    if (store.waiting.length > 1) throw new Error('a request has two calls in flight: the explorer takes one at a time')
    const step = store.waiting[0]?.step
    if (!step && !end) throw new Error(`request ${JSON.stringify(this.request)} hangs: no call in flight, and no end`)
    const call = step && 'record' in step ? { ...step, record: this.#only(step) } : step
    return {
      number: this.#numbers.last++,
      next: new Map(),
      ...(call ? { call } : { end: end! }),
      ...(from && { from }),
    }
  }

  #only(step: Extract<Step, { record: SessionRecord }>): SessionRecord {
    return this.#catalogue.only(handle(step.key), step.record)
  }
}

/** The answers on the path to a point, in their order. */
export function historyTo(point: Point): NonNullable<Point['from']>[] {
  const history: NonNullable<Point['from']>[] = []
  for (let { from } = point; from; { from } = from.point) history.unshift(from)
  return history
}

/** The result of the call for the caller of the store. */
export function answerOf(core: Core, heard: Heard): { value: unknown } | { error: unknown } {
  if (heard === 'lost') return { error: new Error('the connection was cut before the answer came') }
  if (heard === 'refused') return { error: new core.SessError('store_unavailable', 'the store is out of reach') }
  return heard
}
