import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../bootstrap.mjs'
import type { Cpu } from '../cpu.ts'
import { run } from '../process.mjs'
import { cache, type Check } from './check.ts'

/** The used part of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** How many characters of a failed test's first message are shown in the summary. */
const MESSAGE_CHARACTERS = 400

/** How many files are shown: those with the most processor time. */
const SHOWN = 20

/** The processor time of test files: a line for each of those that used the most, and the time of servers that outlived their file. */
function usage(log: string): { lines: string[]; outside: number } {
  if (!existsSync(log)) return { lines: [], outside: 0 }
  const files = readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Cpu & { readonly file: string })
    .toSorted((a, b) => b.ended + b.running - a.ended - a.running)
  const line = ({ file, ended, running }: (typeof files)[number]): string =>
    `${(ended + running).toFixed(1).padStart(7)} s  ${file}`
  return {
    lines: [
      `CPU of the test files that use the most, their servers and other processes included:`,
      ...files.slice(0, SHOWN).map(line),
    ],
    outside: files.reduce((sum, { running }) => sum + running, 0),
  }
}

/** Runs every test of every package. */
export const tests: Check = {
  name: 'tests',
  title: 'Tests',
  async run() {
    const file = join(cache, 'vitest.json')
    mkdirSync(cache, { recursive: true })
    const log = join(cache, 'vitest-cpu.jsonl')
    for (const old of [file, log]) rmSync(old, { force: true })
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code } = await run(join(root, 'node_modules/.bin/vitest'), ['run', '--allowOnly=false', ...reporters], {
      cwd: root,
      env: { ...process.env, SESS_CPU_LOG: log },
    })
    const { lines: used, outside } = usage(log)
    if (!existsSync(file))
      return { passed: 0, failed: 1, output: `vitest ended with exit code ${code} and left no report` }
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    const broken = report.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    )
    const failures = report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'failed')
        .map(
          ({ fullName, failureMessages: [message = ''] }) =>
            `${relative(root, name)}: ${fullName}\n${message.slice(0, MESSAGE_CHARACTERS)}`,
        ),
    )
    const passed = report.numPassedTests
    const failed = report.numFailedTests + broken.length
    failures.push(...broken.map(({ name }) => `${relative(root, name)} failed outside its tests`))
    const lines: string[] = []
    const skipped = report.numPendingTests + report.numTodoTests
    if (skipped > 0)
      lines.push(`${skipped} tests were skipped: cases of the kit that do not apply to a store are among them`)
    if (passed + failed === 0) return { passed, failed: 1, output: 'vitest ran no test' }
    if (code !== 0 && failed === 0) return { passed, failed: 1, output: `vitest ended with exit code ${code}` }
    return { passed, failed, failures, output: [...lines, ...used].join('\n'), outside }
  },
}
