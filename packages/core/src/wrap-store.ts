import type { SessionStore, StoreTraits } from './store.ts'

/** The methods that {@link wrapStore} puts in front of those of a store. */
export type StoreAround = Partial<Omit<SessionStore, 'traits'>> & { readonly traits?: Partial<StoreTraits> }

const METHODS = [
  'read',
  'create',
  'replace',
  'touch',
  'delete',
  'list',
  'all',
  'deleteSubject',
  'count',
  'sweep',
  'close',
] as const satisfies readonly (keyof SessionStore)[]

/**
 * Wraps a store: calls go to the methods of `around`, or to the store if `around` does not have the method. Each optional method is a
 * claim, so the wrapped store has only the optional methods that `store` has, even if `around` has more.
 *
 * @param around - Methods; also a name or traits, if they differ from those of the store. A literal or an instance of a class.
 */
export function wrapStore(store: SessionStore, around: StoreAround): SessionStore {
  const wrapped: Record<string, unknown> = {
    name: around.name ?? store.name,
    traits: Object.freeze({ ...store.traits, ...around.traits }),
  }
  for (const method of METHODS) {
    if (!store[method]) continue
    const owner = around[method] ? around : store
    wrapped[method] = (owner[method] as (...values: unknown[]) => unknown).bind(owner)
  }
  return wrapped as unknown as SessionStore
}
