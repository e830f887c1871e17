import { conformance } from '@sess/conformance/vitest'
import { harness } from '../test/harness.ts'

conformance(harness)
