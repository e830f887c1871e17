import { jsonSerializer, memoryStore } from '@sess/core'
import { conformance, serializerConformance } from './vitest.ts'

conformance({
  name: 'memory',
  open: async () => {
    const store = memoryStore()
    return { store, connect: async () => store, close: async () => store.close!() }
  },
})

serializerConformance(jsonSerializer)
