/**
 * Explores interleavings of concurrent requests against the invariants of the design.
 *
 *   node packages/core/test/explore.ts [--pairs] [--skewed] [--triples] [--sample 50] [--seed 1] [--start kept] [--jobs 2] [--all]
 *   node packages/core/test/explore.ts --replay 'anonymous: A login, B commit > A A B B A A A'
 *   node packages/core/test/explore.ts --mutant no-marker [--replay …]
 *
 * `--pairs` is the default. `--skewed` explores pairs in which one process has a slow clock. `--triples` explores all triples, or a `--sample`.
 * `--all` continues after a violation. `--mutant` explores a core with one rule removed. The exit code is 1 if an invariant is violated.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { campaign, type Findings } from './explorer/campaign.ts'
import { loadCore, type Core } from './explorer/core.ts'
import { deterministically } from './explorer/determinism.ts'
import { invariants } from './explorer/invariants.ts'
import { MUTANTS } from './explorer/mutants.ts'
import { writeMutant } from './explorer/mutate.ts'
import { report } from './explorer/report.ts'
import { pairs, sample, skewed, triples } from './explorer/scenarios.ts'
import { parseReplay } from './explorer/schedule.ts'
import { Stage, type Scenario } from './explorer/scheduler.ts'
import { check } from './explorer/search.ts'

/** The input of a worker. */
interface Share {
  readonly folder: string | undefined
  readonly scenarios: readonly Scenario[]
  readonly most: number
  readonly mutant: string | undefined
}

const { values } = parseArgs({
  options: {
    pairs: { type: 'boolean' },
    skewed: { type: 'boolean' },
    triples: { type: 'boolean' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    start: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    all: { type: 'boolean', default: false },
    replay: { type: 'string' },
    mutant: { type: 'string' },
  },
})

if (isMainThread) process.exitCode = await main()
else await work(workerData as Share)

async function main(): Promise<number> {
  const mutant = MUTANTS.find(({ name }) => name === values.mutant)
  if (values.mutant !== undefined && !mutant)
    throw new Error(`no such mutant; there are ${MUTANTS.map(({ name }) => name).join(', ')}`)
  const folder = mutant && (await writeMutant(mutant)).href
  if (values.replay !== undefined) return replay(await load(folder), values.replay)
  const chosen = [
    ...(values.pairs || !(values.skewed || values.triples) ? pairs() : []),
    ...(values.skewed ? skewed() : []),
    ...(values.triples ? triples() : []),
  ]
  const ours = chosen.filter(({ start }) => values.start === undefined || start === values.start)
  const scenarios = values.sample === undefined ? ours : sample(ours, Number(values.sample), Number(values.seed))
  const shares = Array.from({ length: Number(values.jobs) }, (_, job): Share => ({
    folder,
    scenarios: scenarios.filter((_scenario, i) => i % Number(values.jobs) === job),
    most: values.all ? Infinity : 1,
    mutant: mutant?.name,
  }))
  const began = Date.now()
  const found: Findings[] = []
  const show = setInterval(() => process.stderr.write(`${progress(found, scenarios.length, began)}\n`), 5000)
  await Promise.all(
    shares.map(
      (share, job) =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: share, argv: process.argv.slice(2) })
          worker.on('message', (findings: Findings) => {
            found[job] = findings
            if (findings.violations.length >= share.most) void worker.terminate()
          })
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  ).finally(() => clearInterval(show))
  const violations = found.flatMap((findings) => findings.violations)
  for (const violation of violations) console.log(`${violation}\n`)
  process.stderr.write(`${progress(found, scenarios.length, began)}\n`)
  return violations.length > 0 ? 1 : 0
}

async function work({ folder, scenarios, most, mutant }: Share): Promise<void> {
  let told = 0
  const tell = (findings: Findings): void => parentPort!.postMessage(findings)
  const findings = await campaign(await load(folder), scenarios, {
    most,
    ...(mutant !== undefined && { mutant }),
    progress(sofar) {
      if (Date.now() - told < 1000) return
      told = Date.now()
      tell(sofar)
    },
  })
  tell(findings)
}

async function replay(core: Core, text: string): Promise<number> {
  const { scenario, schedule } = parseReplay(text)
  const stage = new Stage(core)
  return deterministically(async () => {
    const wrong = await check(stage, scenario, schedule, invariants(core))
    console.log(await report(stage, { scenario, schedule, wrong }, values.mutant))
    return wrong.length > 0 ? 1 : 0
  })
}

function load(folder: string | undefined): Promise<Core> {
  return loadCore(folder === undefined ? undefined : new URL(folder))
}

function progress(found: readonly Findings[], of: number, began: number): string {
  const sum = (count: (findings: Findings) => number): number =>
    found.reduce((total, findings) => total + count(findings), 0)
  const done = sum(({ scenarios }) => scenarios)
  const minutes = (Date.now() - began) / 60_000
  const left = done === 0 ? '' : `, ${((minutes / done) * (of - done)).toFixed(1)} min left`
  const counts = [
    `${done} of ${of} scenarios`,
    `${sum(({ states }) => states).toLocaleString('en')} states`,
    `${sum(({ schedules }) => schedules).toLocaleString('en')} schedules`,
    `${sum(({ violations }) => violations.length)} violations`,
  ]
  return `${counts.join(', ')}; ${minutes.toFixed(1)} min${left}`
}
