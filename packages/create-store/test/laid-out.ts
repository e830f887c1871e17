import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs a script of Node.js in a folder, as a terminal would that knows nothing of this test. */
function node(cwd: string, script: string, args: readonly string[]): Promise<Ended> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_|VITE)/.test(name)))
  return new Promise((resolve, reject) => {
    // The solution puts its databases into the folder for temporary files: these go when the test's folder does.
    const child = spawn(process.execPath, [script, ...args], { cwd, env: { ...env, TMPDIR: cwd } })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** Runs `create-store`. */
export function create(cwd: string, ...args: string[]): Promise<Ended> {
  return node(cwd, join(root, 'src/cli.ts'), args)
}

/** What `npm install` does, with the packages of this workspace. */
export function link(folder: string): void {
  const { devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  for (const name of Object.keys(devDependencies)) {
    const target = join(folder, 'node_modules', name)
    mkdirSync(dirname(target), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), target)
  }
}

/** Checks the types of what was laid out. */
export function types(folder: string): Promise<Ended> {
  return node(folder, 'node_modules/typescript/bin/tsc', [])
}

/** Runs `sess-conformance` on the harness of what was laid out. */
export function kit(folder: string, ...args: string[]): Promise<Ended> {
  return node(folder, join(root, 'node_modules/@sess/conformance/src/cli.ts'), ['test/harness.ts', ...args])
}

/** A test, as vitest tells it. */
export interface Told {
  readonly title: string
  readonly status: string
  readonly failureMessages: readonly string[]
}

/** Runs vitest in what was laid out. */
export async function vitest(folder: string): Promise<readonly Told[]> {
  const file = join(folder, 'node_modules/vitest.json')
  const { output } = await node(folder, 'node_modules/vitest/vitest.mjs', [
    'run',
    '--reporter=json',
    `--outputFile=${file}`,
  ])
  try {
    const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as {
      testResults: readonly { readonly assertionResults: readonly Told[] }[]
    }
    return testResults.flatMap(({ assertionResults }) => assertionResults)
  } catch (cause) {
    throw new Error(`vitest left no report:\n${output}`, { cause })
  }
}
