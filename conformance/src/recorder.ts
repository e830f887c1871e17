import { isUint8Array } from 'node:util/types'
import type { SessionKey, SessionRecord, SessionStore, Subject } from '@sess/core'
import type { Faults } from './fault-switch.ts'
import type { Step } from './result.ts'

/** How many calls the recorder keeps. A case with a longer counter-example throws its own {@link CounterExample}. */
const MOST_STEPS = 60

type Writable = { -readonly [Name in keyof Step]: Step[Name] }

/** Records the calls of the clients of a case, and the calls that have not ended. */
export class Recorder {
  /** The time `now` of the case, in ms since the epoch. */
  readonly now: number
  readonly #began: number = performance.now()
  readonly #steps: Writable[] = []
  readonly #pending = new Set<Writable>()
  readonly #wrapped = new WeakMap<SessionStore, SessionStore>()
  readonly #keys = new Map<string, string>()
  #clients = 0
  #calls = 0
  #events = 0

  constructor(now: number) {
    this.now = now
  }

  /** How many calls have begun. */
  get calls(): number {
    return this.#calls
  }

  /** The last calls, in the order in which they began. */
  get steps(): readonly Step[] {
    return this.#steps
  }

  /** How many events there were: a call began, gave an item, or ended. */
  get events(): number {
    return this.#events
  }

  /** The call that has waited longest. Calls of other processes do not count. */
  get oldest(): Step | undefined {
    for (const step of this.#pending) if (step.client !== 'processes') return step
    return undefined
  }

  /** Wraps a store and records its calls. The same store always gives the same wrapper. */
  wrap(store: SessionStore, client = `client ${++this.#clients}`): SessionStore {
    const known = this.#wrapped.get(store)
    if (known) return known
    const methods = new Map<PropertyKey, unknown>()
    const wrapped = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (!methods.has(name)) methods.set(name, this.#record(client, String(name), value.bind(target) as Method))
        return methods.get(name)
      },
    })
    this.#wrapped.set(store, wrapped)
    this.#wrapped.set(wrapped, wrapped)
    return wrapped
  }

  /** Wraps a switch of faults and records its calls. */
  wrapFaults(faults: Faults): Faults {
    return {
      get offers() {
        return faults.offers
      },
      get struck() {
        return faults.struck
      },
      get requests() {
        return faults.requests ?? 0
      },
      inject: (fault, options = {}) => {
        const { after, ms, times } = options
        const details = [
          ...(after ? [`at request ${after + 1}`] : []),
          ...(times !== undefined && times > 1 ? [`${times} times`] : []),
          ...(ms !== undefined ? [`by ${ms} ms`] : []),
        ]
        this.#end(this.#begin('faults', [fault, ...details].join(' ')), 'set')
        faults.inject(fault, options)
      },
      heal: () => this.call('faults', 'heal', () => faults.heal()),
    }
  }

  /** Makes and records a call that is not a call of a store. */
  async call<T>(client: string, call: string, run: () => Promise<T>): Promise<T> {
    const step = this.#begin(client, call)
    try {
      const value = await run()
      this.#end(step, 'done')
      return value
    } catch (error) {
      this.#end(step, told(error))
      throw error
    }
  }

  #record(client: string, name: string, method: Method): Method {
    return (...values) => {
      const step = this.#begin(client, this.#told(name, values))
      try {
        const answer = method(...values)
        if (isIterable(answer)) return this.#iterate(step, answer)
        if (isPromise(answer)) {
          answer.then(
            (value) => this.#end(step, this.#show(value)),
            (error) => this.#end(step, told(error)),
          )
        } else this.#end(step, this.#show(answer))
        return answer
      } catch (error) {
        this.#end(step, told(error))
        throw error
      }
    }
  }

  /** Records an iteration. It counts as waiting only while the store makes the next item. */
  async *#iterate(step: Writable, items: AsyncIterable<unknown>): AsyncIterable<unknown> {
    let count = 0
    try {
      for await (const item of items) {
        count++
        this.#events++
        this.#pending.delete(step)
        yield item
        this.#pending.add(step)
      }
      this.#end(step, `${count} in all`)
    } catch (error) {
      this.#end(step, `${count}, then ${told(error)}`)
      throw error
    } finally {
      this.#pending.delete(step)
    }
  }

  #begin(client: string, call: string): Writable {
    const step: Writable = { client, call, from: this.#elapsed() }
    this.#calls++
    this.#events++
    this.#steps.push(step)
    if (this.#steps.length > MOST_STEPS) this.#steps.shift()
    this.#pending.add(step)
    return step
  }

  #end(step: Writable, answer: string): void {
    step.to = this.#elapsed()
    step.answer = answer
    this.#events++
    this.#pending.delete(step)
  }

  #elapsed(): number {
    return performance.now() - this.#began
  }

  #told(name: string, values: readonly unknown[]): string {
    const [first, ...rest] = values
    const ofSubject = name === 'list' || name === 'deleteSubject'
    const shown = ofSubject ? `subject ${(first as Subject).id.slice(0, 20)}` : this.#show(first)
    return `${name}(${[shown, ...rest.map((value) => this.#show(value))].slice(0, values.length).join(', ')})`
  }

  #show(value: unknown): string {
    if (typeof value === 'number' && Math.abs(value - this.now) < FAR_MS) return sinceStart(value - this.now)
    if (typeof value !== 'object' || value === null) return String(value)
    if (isRecord(value)) return showRecord(value)
    if ('tag' in value) return this.#showKey(value as SessionKey)
    return Array.isArray(value) ? `${value.length} items` : JSON.stringify(value).slice(0, 80)
  }

  #showKey(key: SessionKey): string {
    const text = `${key.tag}.${key.id}`
    if (!this.#keys.has(text)) this.#keys.set(text, `key ${this.#keys.size + 1}`)
    return this.#keys.get(text)!
  }
}

/** A number that is further from now than this, in ms, is not shown as a time. */
const FAR_MS = 3.2e12

/** Formats a time relative to the start of the case: `now`, `now+60000`. */
function sinceStart(ms: number): string {
  return ms === 0 ? 'now' : `now${ms > 0 ? '+' : ''}${ms}`
}

type Method = (...values: unknown[]) => unknown

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** Whether a value is a promise, by its method and not by its class: a store may be of another realm, as under Jest. */
const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

const isRecord = (value: object): value is SessionRecord =>
  'revision' in value && 'payload' in value && isUint8Array(value.payload)

/** Formats a record: its revision, and its payload if the payload is short text. */
function showRecord({ revision, payload, subject }: SessionRecord): string {
  const text = Buffer.from(payload.subarray(0, 25)).toString()
  const shown = payload.length <= 24 && /^[ -~]*$/.test(text) ? `"${text}"` : `${payload.length} bytes`
  return `r${revision} ${shown}${subject === undefined ? '' : ` of ${subject.slice(0, 20)}`}`
}

function told(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return `threw ${typeof code === 'string' ? code : String(message ?? error).slice(0, 80)}`
}
