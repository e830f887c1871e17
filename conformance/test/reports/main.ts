import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '../../src/index.ts'
import { compact } from './compact.ts'
import { FOLDER, FULL, root, stores, type Store } from './stores.ts'
import { overview, withTable } from './tables.ts'

const HELP = `Usage: reports [STORE…]

Runs the kit on all stores, or on those that are named, on real servers, which it starts and stops. Writes their reports
in every form into ${FULL}, a short one of each into ${FOLDER}, a table of all beside these, and the
same table into the repository's README.md.
`

/** Runs the command on a store, with what it says on this terminal. Resolves to its exit code. */
function run({ name, harness, patience, runtime }: Store): Promise<number> {
  const args = ['conformance/src/cli.ts', harness, '--report', join(FULL, name), '--patience', String(1000 * patience)]
  return new Promise((resolve, reject) => {
    spawn(runtime, args, { cwd: root, stdio: 'inherit' })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 2))
  })
}

/** Keeps the short report of the run that has just ended, if it came to one. */
function keep({ name }: Store): void {
  const full = join(root, FULL, name, 'report.json')
  if (!existsSync(full)) return
  const report = JSON.parse(readFileSync(full, 'utf8')) as Report
  writeFileSync(join(root, FOLDER, `${name}.md`), compact(report))
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' } },
})
const unknown = positionals.filter((named) => !stores.some(({ name }) => name === named))
if (values.help) process.stdout.write(HELP)
else if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(', ')}; there are ${stores.map(({ name }) => name).join(', ')}\n`)
  process.exitCode = 2
} else {
  for (const store of stores) {
    if (positionals.length > 0 && !positionals.includes(store.name)) continue
    process.stdout.write(`\n${store.name}\n`)
    // What an earlier run left must not pass for this one's.
    rmSync(join(root, FULL, store.name), { recursive: true, force: true })
    process.exitCode = Math.max(Number(process.exitCode ?? 0), await run(store))
    keep(store)
  }
  const readme = join(root, 'README.md')
  writeFileSync(join(root, FOLDER, 'README.md'), overview())
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8')))
}
