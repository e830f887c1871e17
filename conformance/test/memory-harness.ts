import { memoryStore } from '@sess/core'
import manifest from '../../packages/core/package.json' with { type: 'json' }
import type { Harness } from '../src/index.ts'

/** Each namespace is a store of its own; all its clients are that one. */
export const harness: Harness = {
  name: 'memory',
  open: async () => {
    const store = memoryStore()
    return { store, connect: async () => store, close: async () => store.close!() }
  },
  versions: async () => ({ [manifest.name]: manifest.version }),
}
