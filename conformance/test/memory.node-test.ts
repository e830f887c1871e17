import { jsonSerializer } from '@sess/core'
import { conformance, serializerConformance } from '../src/node-test.ts'
import { harness } from './memory-harness.ts'

conformance(harness)
serializerConformance(jsonSerializer)
