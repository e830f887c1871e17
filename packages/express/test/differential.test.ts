import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { MUTANTS } from './differential/mutants.ts'
import { PROMISES } from './differential/promises.ts'
import { compare } from './differential/run.ts'

// The full run, with the table of what was reached: node packages/express/test/differential/report.ts
test('random sequences of response calls in random stacks of middleware answer as they do without a session', async () => {
  const reached = await compare(1, 1000)
  expect(reached.programs + reached.endless).toBeGreaterThanOrEqual(1000)
  expect(PROMISES.filter(({ row }) => !reached.total(row))).toEqual([])
})

describe('the comparison detects a held response with this fault:', () => {
  test.each(Object.keys(MUTANTS))('%s', async (name) => {
    const script = join(import.meta.dirname, 'differential/mutants.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [script, name])
    expect(stdout).not.toBe('')
  })
})
