import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'

/** The result of a check. */
export interface Outcome {
  /** How many things have passed and failed: for the test run the number of tests, for any other check 1. */
  readonly passed: number
  readonly failed: number
  /** The text to print: the reason of a failure, or facts about a success. */
  readonly output: string
  /** Which tests have failed, for the summary: a log is often read from its end. */
  readonly failures?: readonly string[]
  /** The processor time of servers that its commands left running, in seconds. The time of a command does not include it. */
  readonly outside?: number
}

/** A check of `npm test`. */
export interface Check {
  /** Its name on the command line: `npm test -- types`. */
  readonly name: string
  readonly title: string
  run(): Promise<Outcome>
}

/** Makes tools written in Go collect garbage less often. It saves a fifth of the processor time of the type-aware linter. */
const ENV = { GOGC: '400', ...process.env }

/** The longest that one command of a check may take, in ms. */
const LIMIT_MS = 1_800_000

/** A folder for files of the checks, which Git ignores. */
export const cache: string = join(root, '.cache')

/** The outcome of a check that looked for problems. */
export function found(problems: readonly string[], note = ''): Outcome {
  const failed = problems.length > 0 ? 1 : 0
  return { passed: 1 - failed, failed, output: [note, ...problems].filter(Boolean).join('\n') }
}

/** Runs a tool of the workspace, such as `tsc`. */
export function tool(
  name: string,
  args: readonly string[],
  cwd: string = root,
): Promise<{ code: number; output: string }> {
  return run(join(root, 'node_modules', '.bin', name), args, { cwd, env: ENV, capture: true, timeoutMs: LIMIT_MS })
}

/** Runs a tool. If it fails, its output is the problem. */
export async function problemsOf(name: string, args: readonly string[], cwd: string = root): Promise<string[]> {
  const { code, output } = await tool(name, args, cwd)
  return code === 0 ? [] : [`${output.trimEnd()}\n${name} ended with exit code ${code}`]
}
