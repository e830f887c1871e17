import { harness } from '../test/wire/harness.ts'
import { conformance } from './vitest.ts'

conformance(harness)
