import { httpCases } from '@sess/conformance/http'
import { describe, expect, test } from 'vitest'
import { brokenHarnessOf } from './broken-binding.ts'
import { httpMutants } from './mutants.ts'

describe('the table of HTTP behaviour catches', () => {
  test.each(httpMutants.map((mutant) => [mutant.binding, mutant.text, mutant] as const))(
    '%s: %s',
    async (_binding, _text, mutant) => {
      const harness = await brokenHarnessOf(mutant)
      const passed: string[] = []
      for (const id of mutant.rows) {
        const row = httpCases.find((item) => item.id === id)
        expect(row, id).toBeDefined()
        await row!.run(harness, 1500).then(
          () => passed.push(id),
          () => {},
        )
      }
      expect(mutant.rows).not.toEqual([])
      expect(passed).toEqual([])
    },
  )
})
