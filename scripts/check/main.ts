import { inspect } from 'node:util'
import { cpuOfTree } from '../cpu.ts'
import { commandTime, isStopping } from '../process.mjs'
import { changesets } from './changesets.ts'
import type { Check, Outcome } from './check.ts'
import { docs } from './docs.ts'
import { packaging } from './packaging.ts'
import { serversCheck } from './servers.ts'
import { sizes } from './sizes.ts'
import { start } from './start.ts'
import { leftOut } from './stores.ts'
import { tests } from './tests.ts'
import { format, lint, types, unused } from './tools.ts'

/** The checks, in rows. A row starts when the row before it has finished; two checks of a row run at the same time. */
const rows: readonly (readonly Check[])[] = [
  [serversCheck],
  [types, lint, format, unused, changesets],
  [docs, packaging, sizes, start],
  [tests],
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !rows.flat().some((check) => check.name === name))
if (unknown.length > 0) {
  console.error(
    `No check is called ${unknown.join(', ')}; they are ${rows
      .flat()
      .map(({ name }) => name)
      .join(', ')}`,
  )
  process.exit(2)
}

interface Result extends Outcome {
  readonly check: Check
  readonly seconds: number
  /** The processor time of its commands, in seconds. */
  readonly cpu: number
}

async function perform(check: Check): Promise<Result> {
  const start = performance.now()
  const time = { seconds: 0 }
  const outcome = await commandTime
    .run(time, () => check.run())
    .catch((error: unknown): Outcome => ({ passed: 0, failed: 1, output: inspect(error) }))
  // The run was stopped, so the output of a killed command does not matter.
  if (isStopping()) process.exit()
  const cpu = time.seconds + (outcome.outside ?? 0)
  return { ...outcome, check, seconds: (performance.now() - start) / 1000, cpu }
}

const heading = ({ title, name }: Check): string => `\n── ${title} (${name})`

function report({ check, failed, output, seconds }: Result): void {
  console.log(`${heading(check)}: ${failed > 0 ? 'FAILED' : 'ok'} in ${seconds.toFixed(1)} s`)
  if (output !== '') console.log(output.replace(/^/gm, '   '))
}

const results: Result[] = []

for (const row of rows) {
  const queue = row.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const worker = async (): Promise<void> => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
      if (check === tests) console.log(heading(check))
      const result = await perform(check)
      report(result)
      results.push(result)
    }
  }
  await Promise.all([worker(), worker()])
}

console.log('\n── Summary')
const took = (seconds: number, cpu: number): string => `${seconds.toFixed(1)} s, CPU ${cpu.toFixed(1)} s`
for (const { check, passed, failed, failures = [], seconds, cpu } of results) {
  const count = check === tests ? `, ${passed} passed, ${failed} failed` : ''
  console.log(`   ${failed > 0 ? 'FAILED' : 'ok    '}  ${check.title}, ${took(seconds, cpu)}${count}`)
  for (const failure of failures) console.log(failure.replace(/^/gm, '           '))
}
if (leftOut.length > 0) console.log(`   LEFT OUT by SESS_STORES: ${leftOut.join(', ')}`)

const sum = (key: 'passed' | 'failed'): number => results.reduce((total, result) => total + result[key], 0)
// The processor time of the checks' commands, and of this process.
const cpu = cpuOfTree().ended + results.reduce((total, { outside = 0 }) => total + outside, 0)
console.log(`   In all ${took(process.uptime(), cpu)} (user and system, of everything that this run started)`)
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`)
process.exit(sum('failed') > 0 ? 1 : 0)
