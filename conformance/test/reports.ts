import { spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Report } from '../src/index.ts'
import { countsOf, summaryOf } from '../src/report/text.ts'

const HELP = `Usage: reports [STORE…] [--quick]

Runs the kit on the memory store and on every packages/*/test/harness.ts, or on the stores that are named, and writes
their reports into conformance/reports, with a table of all in its README.md.
`

const kit = fileURLToPath(new URL('..', import.meta.url))
const folder = join(kit, 'reports')

/** Each store's harness, by the store's name. */
const harnesses = new Map([
  ['memory', join(kit, 'test/memory-harness.ts')],
  ...globSync('packages/*/test/harness.ts', { cwd: dirname(kit) })
    .toSorted()
    .map((file) => [basename(dirname(dirname(file))), join(dirname(kit), file)] as const),
])

/** Runs the command on a store, with what it says on this terminal. Resolves to its exit code. */
function run(name: string, options: readonly string[]): Promise<number> {
  const args = [join(kit, 'src/cli.ts'), harnesses.get(name)!, '--report', join(folder, name), ...options]
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { stdio: 'inherit' })
      .once('error', reject)
      .once('close', (code) => resolve(code ?? 2))
  })
}

function rowOf(file: string): string {
  const name = dirname(file)
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Report
  const versions = Object.entries(report.versions).map(([what, version]) => `${what} ${version}`)
  const links = `[page](${name}/report.html), [text](${name}/report.md)`
  return `| [${name}](../../packages/${name === 'memory' ? 'core' : name}) | ${summaryOf(report)} | ${countsOf(report.cases)} | ${versions.join(', ')} | ${links} |`
}

function writeIndex(): void {
  const rows = globSync('*/report.json', { cwd: folder }).toSorted().map(rowOf)
  writeFileSync(
    join(folder, 'README.md'),
    [
      '# What the kit says of our stores',
      '',
      'Written by `pnpm --filter @sess/conformance reports`.',
      '',
      '| store | verdict | cases | versions | report |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n'),
  )
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
const unknown = positionals.filter((name) => !harnesses.has(name))
if (values.help) process.stdout.write(HELP)
else if (unknown.length > 0) {
  process.stderr.write(`There is no ${unknown.join(', ')}; there are ${[...harnesses.keys()].join(', ')}\n`)
  process.exitCode = 2
} else {
  for (const name of positionals.length > 0 ? positionals : harnesses.keys()) {
    process.stdout.write(`\n${name}\n`)
    process.exitCode = Math.max(Number(process.exitCode ?? 0), await run(name, values.quick ? ['--quick'] : []))
  }
  writeIndex()
}
