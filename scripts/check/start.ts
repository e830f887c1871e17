import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { found, type Check } from './check.ts'

/** Packages for tests and tools. They would take most of the time of an installation. */
const NOT_FOR_THE_DEMO = /^(@aws-sdk|bun|deno|esbuild|local-dynamo|oxlint|playwright-core|typescript|vitest)\b/

/** Copies the files of a clone, in their present state. */
async function copyTo(folder: string): Promise<void> {
  const { output } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    capture: true,
  })
  for (const file of output.split('\0'))
    if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(folder, file))
}

/** Runs `npm start`, fetches its page, and ends it like ctrl-C. */
async function tryStart(folder: string): Promise<string[]> {
  let page: Promise<string[]> | undefined
  const { code, output } = await run('npm', ['start'], {
    cwd: folder,
    env: { ...process.env, PORT: '0', SESS_DB: '' },
    capture: true,
    timeoutMs: 300_000,
    onOutput(text, signal) {
      const url = /The @sess demo is at (\S+)\n/.exec(text)?.[1]
      if (url === undefined || page !== undefined) return
      page = fetch(url)
        .then(({ status }) => (status === 200 ? [] : [`${url} answered ${status}`]))
        .catch((error: unknown) => [`${url}: ${String(error)}`])
        .finally(() => signal('SIGINT'))
    },
  })
  if (page === undefined) return [`npm start printed no address, and ended with exit code ${code}:\n${output}`]
  const problems = await page
  // `run` resolves when the output is closed, so all child processes have ended too.
  if (code !== 0) problems.push(`After ctrl-C, npm start ended with exit code ${code}:\n${output}`)
  return problems
}

/** Checks `npm start` in a new clone: it installs only what the demo needs, serves the page, and ends at ctrl-C. */
export const start: Check = {
  name: 'start',
  title: 'npm start on a fresh clone',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'sess-start-'))
    try {
      await copyTo(folder)
      const problems = await tryStart(folder)
      const modules = join(folder, 'node_modules', '.pnpm')
      const installed = existsSync(modules) ? readdirSync(modules).filter((name) => name.includes('@', 1)) : []
      const unwanted = installed.filter((name) => NOT_FOR_THE_DEMO.test(name.replace('+', '/')))
      if (unwanted.length > 0) problems.push(`npm start installed ${unwanted.join(', ')}, which the demo must not need`)
      return found(problems, `${installed.length} packages installed`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
