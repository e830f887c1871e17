import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cases, serializerCases } from './index.ts'

const file = fileURLToPath(new URL('../test/memory.node-test.ts', import.meta.url))

test('node:test runs the same cases, and says why one does not apply', { timeout: 120_000 }, () => {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
    encoding: 'utf8',
    env,
  })
  expect(stdout).toContain('races/stale-replace: A replace that expects')
  expect(stdout).toContain('# not applicable: the harness names no process module')
  expect(stdout).toMatch(new RegExp(`^# pass ${1 + cases.length + serializerCases.length}$`, 'm'))
  expect(status).toBe(0)
})
