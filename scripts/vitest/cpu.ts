import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { cpuOfTree } from '../cpu.ts'

/** Not from `bootstrap.mjs`: that would take the signals of the test's process. */
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Writes down the processor time of each test file: its process, and what it has started, servers that still run among it. */
afterAll(() => {
  const log = process.env['SESS_CPU_LOG']
  if (log === undefined) return
  const file = relative(root, expect.getState().testPath ?? '')
  appendFileSync(log, `${JSON.stringify({ file, ...cpuOfTree() })}\n`)
})
