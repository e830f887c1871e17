import type { Serializer, SessionStore } from '@sess/core'
import { memoryStore } from '@sess/core'
import type { Harness, Space } from '../../src/index.ts'

/** Something with one fault, and the cases that must catch it. */
interface Mutant {
  /** The fault, as a sentence without its end. */
  readonly name: string
  /** What an author does from habit, and gets this fault by. */
  readonly habit?: string
  /** These must fail; others may. */
  readonly killedBy: readonly string[]
}

/** A broken store. */
export interface StoreMutant extends Mutant {
  readonly open: () => Promise<Space>
  readonly process?: Harness['process']
}

/** A broken serializer. */
export interface SerializerMutant extends Mutant {
  readonly serializer: Serializer
}

/** A core with one rule taken out. */
export interface CoreMutant extends Mutant {
  /** A file in core's sources. */
  readonly file: string
  /** What is replaced: there exactly once. */
  readonly edits: readonly (readonly [find: string, replace: string])[]
  /** True: tried on a store beyond a socket. */
  readonly beyondSocket?: boolean
}

/** What a mutant does otherwise than a store that is sound. */
export type Change = (store: SessionStore) => Partial<SessionStore>

/** A store with some of its methods in another's hands. */
export function changed(store: SessionStore, change: Change): SessionStore {
  const own = change(store)
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = name in own ? own[name] : target[name]
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    has: (target, name) => (name in own ? own[name as keyof SessionStore] !== undefined : name in target),
  })
}

/** The memory store with a fault, one client for all. */
export function store(name: string, killedBy: readonly string[], change: Change): StoreMutant {
  return {
    name,
    killedBy,
    open: async () => {
      const it = changed(memoryStore(), change)
      return { store: it, connect: async () => it, close: async () => it.close?.().catch(() => {}) }
    },
  }
}

/** A mutant, with the habit by which an author gets its fault. */
export function from<Kind extends Mutant>(habit: string, mutant: Kind): Kind {
  return { ...mutant, habit }
}

/** The memory store behind clients with a fault, each of them by itself. */
export function clients(name: string, killedBy: readonly string[], change: Change): StoreMutant {
  return {
    name,
    killedBy,
    open: async () => {
      const shared = memoryStore()
      return {
        store: changed(shared, change),
        connect: async () => changed(shared, change),
        close: async () => shared.close?.(),
      }
    },
  }
}

/** A single page, for a change of what all pages did. */
export async function* page<T>(run: () => Promise<T>): AsyncGenerator<T, void> {
  yield await run()
}

/** Lets everything that waits for nothing but its turn have it. */
export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
