import { setTimeout } from 'node:timers/promises'
import type { SessionStore } from '@sess/core'
import type { Fault, Faults } from './fault-switch.ts'

const OFFERS = ['cut-before', 'cut-after', 'late', 'slow', 'down', 'hang'] as const satisfies readonly Fault[]

/** The methods that work in pages. */
const PAGED: ReadonlySet<keyof SessionStore> = new Set(['deleteSubject', 'count', 'sweep'])

/**
 * Wraps a store and makes its calls fail, like the faults of a socket, for stores without a socket.
 *
 * @param only - The method that faults strike. Default: all methods but `close`, `list` and `all`.
 */
export function losingStore(
  store: SessionStore,
  only?: keyof SessionStore,
): { readonly store: SessionStore; readonly faults: Faults } {
  let fault: Fault | undefined
  let left = 0
  let passing = 0
  let late = 0
  let hung = Promise.withResolvers<void>()
  let struck = 0
  const strike = (): Fault | undefined => {
    if (fault === undefined || left <= 0 || passing-- > 0) return undefined
    left--
    struck++
    return fault
  }
  /** Wraps pages: a fault strikes the first page. */
  async function* pages(made: AsyncIterable<unknown>): AsyncGenerator {
    const now = strike()
    if (now === 'cut-before' || now === 'down') throw new Error('the connection was lost')
    if (now === 'late') await setTimeout(late)
    if (now === 'hang') await hung.promise
    for await (const page of made) {
      if (now === 'slow') await setTimeout(late)
      if (now === 'cut-after') throw new Error('the connection was lost')
      yield page
    }
  }
  const losing = new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...values: unknown[]) => unknown
      if (name === 'close' || name === 'list' || name === 'all' || (only !== undefined && name !== only)) return call
      if (PAGED.has(name)) return (...values: unknown[]) => pages(call(...values) as AsyncIterable<unknown>)
      return async (...values: unknown[]) => {
        const now = strike()
        if (now === 'cut-before' || now === 'down') throw new Error('the connection was lost')
        if (now === 'late') await setTimeout(late)
        if (now === 'hang') await hung.promise
        const answer = await call(...values)
        if (now === 'slow') await setTimeout(late)
        if (now === 'cut-after') throw new Error('the connection was lost')
        return answer
      }
    },
  })
  return {
    store: losing,
    faults: {
      offers: OFFERS,
      inject(next, { times = 1, ms = 100, after = 0 } = {}) {
        const lasts = next === 'down' || next === 'hang'
        fault = next
        left = lasts ? Infinity : times
        passing = lasts ? 0 : after
        late = ms
      },
      async heal() {
        fault = undefined
        hung.resolve()
        hung = Promise.withResolvers()
      },
      get struck() {
        return struck
      },
    },
  }
}
