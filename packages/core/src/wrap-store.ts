import type { SessionStore, StoreTraits } from './store.ts'

/** What {@link wrapStore} puts around a store. */
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
 * A store around another: what stands in `around` is asked, and the other store for the rest. It has the methods that the other
 * store has and no more, for a method that is there is a claim: an `around` may name all of them.
 *
 * @param around - Methods, and a name or traits where they are to differ. A literal or an instance of a class.
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
