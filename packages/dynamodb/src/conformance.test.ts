import { conformance } from '@sess/conformance/vitest'
import { harness } from '../test/harness.ts'

// One case revokes ten thousand sessions in one call: as many requests, each of which costs DynamoDB Local a millisecond or two.
conformance(harness, { patience: 50_000 })
