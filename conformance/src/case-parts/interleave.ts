import type { SessionStore } from '@sess/core'
import { CounterExample, type Step } from '../result.ts'
import { all } from './case.ts'

/** The store of a request. Each of its calls waits until it is sent. */
interface Seat {
  readonly name: string
  readonly store: SessionStore
  /** The call that waits. */
  waiting: { readonly method: string; send(lost: boolean): Promise<string> } | undefined
  /** Resolves when the next call waits, or the request has ended. */
  next: PromiseWithResolvers<void>
}

/** Requests on trial. Each request has a store of its own, and `check` gets the results of all requests. */
export interface Requests<R extends readonly unknown[]> {
  readonly act: { readonly [K in keyof R]: (store: SessionStore) => Promise<R[K]> }
  /** Called after all requests have ended. It throws if a rule was broken. */
  readonly check: (results: R) => Promise<void> | void
}

/** Options of {@link inEveryOrder}. */
export interface Orders {
  /** The client of each request. */
  readonly stores: readonly SessionStore[]
  /** True: it also runs each order with the answer to one write lost after the write was applied. */
  readonly losing?: boolean
}

const PAGED: ReadonlySet<string> = new Set(['deleteSubject', 'count', 'sweep'])
const WRITES: ReadonlySet<string> = new Set(['create', 'replace', 'touch', 'delete', 'deleteSubject'])

/**
 * Runs requests at once with their calls into the store in every possible order. Each order begins with a new `prepare`.
 *
 * @throws {CounterExample} For the first order that breaks a rule, with the order in its message.
 */
export async function inEveryOrder<R extends readonly unknown[]>(
  { stores, losing = false }: Orders,
  prepare: () => Promise<Requests<R>>,
): Promise<void> {
  for (let choices: number[] | undefined = []; choices;) {
    const made: { readonly choice: number; readonly of: number }[] = []
    const steps: Step[] = []
    let losses = losing ? 1 : 0
    try {
      const { act, check } = await prepare()
      const seats = act.map((_, i) => seatOf('ABC'[i]!, stores[i]!))
      const results = Promise.all(act.map((run, i) => ending(seats[i]!, run)))
      // The results are awaited below. Until then a rejection must not count as unhandled.
      results.catch(() => {})
      for (;;) {
        for (const seat of seats) await seat.next.promise
        const ways = seats.flatMap((seat) =>
          (losses && WRITES.has(seat.waiting?.method ?? '') ? [false, true] : [false])
            .filter(() => seat.waiting !== undefined)
            .map((lost) => ({ seat, lost })),
        )
        if (!ways.length) break
        const choice: number = choices[made.length] ?? 0
        made.push({ choice, of: ways.length })
        const { seat, lost } = ways[choice]!
        const { method, send } = seat.waiting!
        if (lost) losses--
        seat.waiting = undefined
        seat.next = Promise.withResolvers()
        const answer = await send(lost)
        const from = steps.length
        steps.push({ client: `request ${seat.name}`, call: method, from, to: from + 1, answer })
      }
      await check((await results) as unknown as R)
    } catch (error) {
      const order = steps.map(({ client, call, answer }) => `${client.at(-1)} ${call} (${answer})`)
      const what = error instanceof Error ? error.message : String(error)
      throw new CounterExample(`in the order ${order.join(', ')}: ${what}`, steps, undefined, error)
    }
    while (made.length && made.at(-1)!.choice + 1 === made.at(-1)!.of) made.pop()
    choices = made.length ? made.map(({ choice }, i) => (i === made.length - 1 ? choice + 1 : choice)) : undefined
  }
}

function seatOf(name: string, target: SessionStore): Seat {
  const seat: Seat = {
    name,
    waiting: undefined,
    next: Promise.withResolvers(),
    store: new Proxy(target, {
      get(_, method: keyof SessionStore) {
        const value: unknown = target[method]
        if (typeof value !== 'function' || method === 'list' || method === 'all') return value
        // A method in pages is one step here, because all pages are alike.
        if (PAGED.has(method))
          return async function* (...args: unknown[]) {
            yield* await wait(seat, method, () => all(value.apply(target, args) as AsyncIterable<unknown>))
          }
        return (...args: unknown[]) => wait(seat, method, async () => (await value.apply(target, args)) as unknown)
      },
    }),
  }
  return seat
}

/** Makes a call wait until it is sent. */
function wait<T>(seat: Seat, method: string, call: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const send = async (lost: boolean): Promise<string> => {
      try {
        const answer = await call()
        if (lost) reject(new Error('the connection was cut before the answer came'))
        else resolve(answer)
        const shown = typeof answer === 'object' && !Array.isArray(answer) ? 'a record' : JSON.stringify(answer)
        return `${shown ?? 'nothing'}${lost ? ', lost' : ''}`
      } catch (error) {
        reject(error)
        return 'threw'
      }
    }
    seat.waiting = { method, send }
    seat.next.resolve()
  })
}

async function ending<T>(seat: Seat, run: (store: SessionStore) => Promise<T>): Promise<T> {
  try {
    return await run(seat.store)
  } finally {
    seat.next.resolve()
  }
}
