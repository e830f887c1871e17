import type { SessionStore } from '@sess/core'
import type { Fault, Faults } from './faults.ts'

const OFFERS = ['cut-before', 'cut-after', 'slow', 'down'] as const satisfies readonly Fault[]

/**
 * A store whose calls can be made to fail: what a socket would do to them, for stores that have none.
 *
 * @param only - The method that trouble strikes. Default: all.
 */
export function losingStore(
  store: SessionStore,
  only?: keyof SessionStore,
): { readonly store: SessionStore; readonly faults: Faults } {
  let fault: Fault | undefined
  let left = 0
  let late = 0
  let struck = 0
  const strike = (): Fault | undefined => {
    if (fault === undefined || left <= 0) return undefined
    left--
    struck++
    return fault
  }
  const losing = new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...values: unknown[]) => unknown
      if (name === 'close' || name === 'list' || (only !== undefined && name !== only)) return call
      return async (...values: unknown[]) => {
        const now = strike()
        if (now === 'slow') await new Promise((resolve) => setTimeout(resolve, late))
        if (now === 'cut-after') await call(...values)
        if (now !== undefined && now !== 'slow') throw new Error('the connection was lost')
        return call(...values)
      }
    },
  })
  return {
    store: losing,
    faults: {
      offers: OFFERS,
      inject(next, { times = 1, ms = 100 } = {}) {
        fault = next
        left = next === 'down' ? Infinity : times
        late = ms
      },
      heal() {
        fault = undefined
      },
      get struck() {
        return struck
      },
    },
  }
}
