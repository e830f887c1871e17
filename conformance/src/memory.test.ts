import { jsonSerializer } from '@sess/core'
import { harness } from '../test/memory-harness.ts'
import { conformance, serializerConformance } from './vitest.ts'

conformance(harness)
serializerConformance(jsonSerializer)
