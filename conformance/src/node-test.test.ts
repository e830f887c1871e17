import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cases, serializerCases } from './index.ts'

const file = fileURLToPath(new URL('../test/memory.node-test.ts', import.meta.url))

test(
  'the node:test binding runs the same cases, and skips those that do not apply with their reason',
  { timeout: 600_000 },
  () => {
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
    const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
      encoding: 'utf8',
      env,
    })
    expect(stdout).toContain('races/stale-replace: A replace that expects')
    expect(stdout).toContain('# SKIP not applicable: the harness names no process module')
    const count = (of: string): number => Number(new RegExp(`^# ${of} (\\d+)$`, 'm').exec(stdout)?.[1])
    expect(count('skipped')).toBeGreaterThan(10)
    expect(count('pass') + count('skipped')).toBe(1 + cases.length + serializerCases.length)
    expect(count('fail')).toBe(0)
    expect(status).toBe(0)
  },
)
