import { describe, expect, test } from 'vitest'
import { flawedClients } from '../test/mutants/faults.ts'
import { harness } from '../test/wire/harness.ts'
import { cases, runCase } from './index.ts'
import { conformance } from './vitest.ts'

conformance(harness)

describe('a client that is broken is caught', () => {
  test.each(flawedClients)('$name', { timeout: 600_000 }, async ({ open, killedBy }) => {
    for (const id of killedBy) {
      const item = cases.find((one) => one.id === id)!
      const result = await runCase(item, { name: 'flawed', open }, { patience: 2000, effort: 0.5 })
      expect(result, id).toMatchObject({ status: 'fail' })
    }
  })
})
