/**
 * Runs the whole kit on stores that are sound, again and again, and counts its false alarms: `pnpm --filter @sess/conformance sound`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Report } from '../src/index.ts'
import { root, stores, type Store } from './reports/stores.ts'

const HELP = `Usage: sound [STORE…] [options]

Runs the whole kit on sound stores, by default memory and sqlite, and says which cases did not pass: each is a false alarm.

  --runs N   how many full runs of each store                       (25)
  --busy N   so many processes that do nothing but count, beside it  (0)
  --help

Exit code: 0 no false alarm, 1 some.
`

/** How a run went: without a report, if it ended before it came to one. */
interface Run {
  readonly report: Report | undefined
  readonly seconds: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '25' },
    busy: { type: 'string', default: '0' },
    help: { type: 'boolean', short: 'h' },
  },
})

/** One full run of the command, in a process of its own. */
function run({ harness, patience, runtime }: Store, folder: string): Promise<Run> {
  const args = ['conformance/src/cli.ts', harness, '--report', folder, '--patience', String(1000 * patience)]
  const file = join(folder, 'report.json')
  // What an earlier run left must not pass for this one's.
  rmSync(file, { force: true })
  const began = performance.now()
  return new Promise((resolve, reject) => {
    spawn(runtime, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
      .once('error', reject)
      .once('close', () => {
        const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
        resolve({ report, seconds: (performance.now() - began) / 1000 })
      })
  })
}

function busyLoop(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
}

/** What went wrong, each in a line: the cases that did not pass above all. */
function alarmsOf(report: Report | undefined): string[] {
  if (!report) return ['the run left no report']
  const { problem, cases, seed, complete } = report
  return [
    ...(problem === undefined ? [] : [problem]),
    ...(complete ? [] : ['it was no full run']),
    ...cases
      .filter(({ status }) => status !== 'pass' && status !== 'not-applicable')
      .map(({ id, status, failure }) => `${id}: ${status}, seed ${seed}: ${failure?.message ?? ''}`),
  ]
}

const named = positionals.length > 0 ? positionals : ['memory', 'sqlite']
const chosen = stores.filter(({ name }) => named.includes(name))
const [runs, busy] = [Number(values.runs), Number(values.busy)]
if (values.help) process.stdout.write(HELP)
else if (chosen.length < named.length || !(runs >= 1) || !(busy >= 0)) {
  process.stderr.write(`There are the stores ${stores.map(({ name }) => name).join(', ')}.\n${HELP}`)
  process.exitCode = 2
} else {
  const loops = Array.from({ length: busy }, busyLoop)
  const folder = mkdtempSync(join(tmpdir(), 'sess-sound-'))
  try {
    for (const store of chosen) {
      const alarms: string[] = []
      const times: number[] = []
      for (let i = 0; i < runs; i++) {
        const { report, seconds } = await run(store, folder)
        times.push(seconds)
        for (const alarm of alarmsOf(report)) {
          alarms.push(alarm)
          process.stdout.write(`  run ${i + 1}: ${alarm}\n`)
        }
      }
      const [least, most] = [Math.min(...times), Math.max(...times)].map((time) => time.toFixed(1))
      process.stdout.write(
        `${store.name}: ${alarms.length} false alarms in ${runs} full runs of ${least} to ${most} s, beside ${busy} busy loops\n`,
      )
      if (alarms.length > 0) process.exitCode = 1
    }
  } finally {
    for (const loop of loops) loop.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
