import { conformance } from '@sess/conformance/vitest'
import { harness } from '../test/harness.ts'
import { harness as onNode } from '../test/node-harness.ts'

conformance(harness)
conformance(onNode)
