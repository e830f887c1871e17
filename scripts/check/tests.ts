import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { cache, type Check } from './check.ts'

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

/** Runs every test of every package. */
export const tests: Check = {
  name: 'tests',
  title: 'Tests',
  async run() {
    const file = join(cache, 'vitest.json')
    mkdirSync(cache, { recursive: true })
    rmSync(file, { force: true })
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code } = await run(join(root, 'node_modules/.bin/vitest'), ['run', '--allowOnly=false', ...reporters], {
      cwd: root,
    })
    if (!existsSync(file))
      return { passed: 0, failed: 1, output: `vitest ended with exit code ${code} and left no report` }
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    const broken = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    )
    const passed = report.numPassedTests
    const failed = report.numFailedTests + broken.length
    const lines = broken.map(({ name }) => `${name} failed outside its tests`)
    const skipped = report.numPendingTests + report.numTodoTests
    if (skipped > 0) lines.push(`${skipped} tests were skipped`)
    if (passed + failed === 0) return { passed, failed: 1, output: 'vitest ran no test' }
    if (code !== 0 && failed === 0) return { passed, failed: 1, output: `vitest ended with exit code ${code}` }
    return { passed, failed, output: lines.join('\n') }
  },
}
