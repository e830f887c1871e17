import { expect, test } from 'vitest'
import { histories } from '../test/mutants/histories.ts'
import { cases, runCase, type Result } from './index.ts'

test.each(histories)(
  '$name: the search rejects its history',
  { timeout: 300_000 },
  async ({ killedBy, open, process }) => {
    for (const id of killedBy) {
      const item = cases.find((one) => one.id === id)!
      const result = await runCase(item, { open, ...(process && { process }), name: 'racy' })
      expect(result, id).toMatchObject({ status: 'fail' })
      const { steps } = result as Extract<Result, { status: 'fail' }>
      expect(steps.length, id).toBeLessThan(24)
      expect(steps.filter(({ wrong }) => wrong)).toHaveLength(1)
    }
  },
)
