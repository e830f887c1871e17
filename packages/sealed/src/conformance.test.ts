import { randomBytes } from 'node:crypto'
import { memoryStore } from '@sess/core'
import { conformance } from '@sess/conformance/vitest'
import { aesGcmSeal } from './index.ts'

conformance({
  name: 'memory, sealed',
  seal: aesGcmSeal({ keys: [randomBytes(32), randomBytes(32)] }),
  open: async () => {
    const store = memoryStore()
    return { store, connect: async () => store, close: async () => store.close!() }
  },
})
