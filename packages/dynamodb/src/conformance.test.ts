import { conformance } from '@sess/conformance/vitest'
import { harness } from '../test/harness.ts'

// A quarter of the random rounds, and of the sizes of the clause `scale`: the emulator takes 2 ms of a processor for each request.
// `pnpm --filter @sess/conformance reports dynamodb` makes all rounds.
conformance(harness, { effort: 0.25 })
