import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { cpuOfTree } from '../cpu.ts'

/** Not from `bootstrap.mjs`, which would handle the signals of the test's process. */
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Records the processor time of each test file: of its process and its descendants, running servers included. */
afterAll(() => {
  const log = process.env['SESS_CPU_LOG']
  if (log === undefined) return
  const file = relative(root, expect.getState().testPath ?? '')
  appendFileSync(log, `${JSON.stringify({ file, ...cpuOfTree() })}\n`)
})
