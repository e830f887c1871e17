import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FOLDER, root, stores, type Store } from './stores.ts'
import { overview, withTable } from './tables.ts'

const HELP = `Usage: reports [STORE…]

Runs the kit on all stores, or on those that are named, on real servers, which it starts and stops. Writes their reports into
${FOLDER}, a table of all beside them, and the same into the repository's README.md.
`

/** Runs the command on a store, with what it says on this terminal. Resolves to its exit code. */
function run({ name, harness, patience }: Store): Promise<number> {
  const args = ['conformance/src/cli.ts', harness, '--report', join(FOLDER, name), '--patience', String(patience)]
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 2))
  })
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
    process.exitCode = Math.max(Number(process.exitCode ?? 0), await run(store))
  }
  const readme = join(root, 'README.md')
  writeFileSync(join(root, FOLDER, 'README.md'), overview())
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8')))
}
