import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'

/** What a check found. */
export interface Outcome {
  /** How many of what it counts: 1 for a check by itself, the tests for the test run. */
  readonly passed: number
  readonly failed: number
  /** What to print: why it failed, or what a reader may want to know of a success. */
  readonly output: string
  /** Processor time of what its commands left running, servers, in seconds: no command's own time holds it. */
  readonly outside?: number
}

/** One thing that `npm test` does. */
export interface Check {
  /** How to ask for it: `npm test -- types`. */
  readonly name: string
  readonly title: string
  run(): Promise<Outcome>
}

/** Tools written in Go, the linter's part with types among them, look for garbage less often: a fifth of its processor time. */
const ENV = { GOGC: '400', ...process.env }

/** How long one command of a check may take, in ms. */
const LIMIT_MS = 300_000

/** A folder for what the checks write, left out of version control. */
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

/** Runs a tool; what it prints is the problem when it fails. */
export async function problemsOf(name: string, args: readonly string[], cwd: string = root): Promise<string[]> {
  const { code, output } = await tool(name, args, cwd)
  return code === 0 ? [] : [`${output.trimEnd()}\n${name} ended with exit code ${code}`]
}
