import { randomInt } from 'node:crypto'
import type { Serializer } from '@sess/core'
import { checkOptions, type OptionNames } from '@sess/core/adapter'
import { cases } from './cases/all.ts'
import { serializerCases } from './cases/serialization/serialization.ts'
import frozen from './contract-1.json' with { type: 'json' }
import type { Case, Harness, RunOptions, SerializerCase } from './contract.ts'
import { beginHarness, endHarness, preflight, scaleOf } from './preflight.ts'
import { caseReportOf, messageOf, verdictOf, type CaseReport, type Report } from './report/report.ts'
import { Hang, HarnessError, Untried, type Result } from './result.ts'
import { CALL_PATIENCE, RUN_OPTIONS, runCase, runSerializerCase } from './run.ts'
import { Strays } from './strays.ts'
import { kitVersion } from './version.ts'

/** After this many cases that hung or met an error of the harness, the rest is not tried: each would take as long. */
const ENOUGH = 3

/** Options of a whole run. */
export interface SuiteOptions extends RunOptions {
  /** The ids of the cases to run; `*` stands for any text: `clock/*`. Default: all. Only a run of all cases proves the contract. */
  readonly only?: readonly string[]
  /** Called before each case. */
  readonly onStart?: (id: string, index: number, of: number) => void
  /** Called after each case. */
  readonly onEnd?: (report: CaseReport, index: number, of: number) => void
}

const OPTIONS: OptionNames<SuiteOptions> = {
  ...RUN_OPTIONS,
  only: true,
  onStart: true,
  onEnd: true,
}

type Settled = SuiteOptions & { readonly seed: number; readonly effort: number; readonly patience: number }

/**
 * Runs the cases on the store of a harness. The report holds all errors, also those of the harness.
 *
 * @throws {SessError} `invalid_option` for an unknown option, and nothing else.
 */
export async function runSuite(harness: Harness, options: SuiteOptions = {}): Promise<Report> {
  checkOptions(options, 'runSuite()', OPTIONS)
  const settled = settle(options)
  const began = { startedAt: new Date().toISOString(), at: performance.now() }
  const name = typeof harness?.name === 'string' ? harness.name : 'unnamed'
  try {
    const chosen = choose(cases, frozen.store, settled.only)
    return await begun(harness, settled.patience, async () => {
      const { traits, versions, notes } = await preflight(harness, settled.patience)
      const reports = await runAll(chosen, (item) => runCase(item, harness, settled), settled)
      const scale = scaleOf(harness)
      return {
        ...reportOf('store', name, reports, settled, began, versions),
        ...(scale < 1 && { scale }),
        ...(notes.length > 0 && { notes }),
        traits,
      }
    })
  } catch (error) {
    return { ...reportOf('store', name, [], settled, began), problem: messageOf(error) }
  }
}

/** Runs a function between `begin` and `end` of the harness. If both the function and `end` fail, it throws the error of the function. */
async function begun<T>(harness: Harness, patience: number, run: () => Promise<T>): Promise<T> {
  await beginHarness(harness, patience)
  let answer: T
  try {
    answer = await run()
  } catch (error) {
    await endHarness(harness, patience).catch(() => {})
    throw error
  }
  await endHarness(harness, patience)
  return answer
}

/** Runs the cases on a serializer. @throws {SessError} `invalid_option` for an unknown option, and nothing else. */
export async function runSerializerSuite(serializer: Serializer, options: SuiteOptions = {}): Promise<Report> {
  checkOptions(options, 'runSerializerSuite()', OPTIONS)
  const settled = settle(options)
  const began = { startedAt: new Date().toISOString(), at: performance.now() }
  try {
    const chosen = choose(serializerCases, frozen.serializer, settled.only)
    const reports = await runAll(chosen, (item) => runSerializerCase(item, serializer, settled), settled)
    return reportOf('serializer', serializer.name, reports, settled, began)
  } catch (error) {
    return { ...reportOf('serializer', serializer.name, [], settled, began), problem: messageOf(error) }
  }
}

function settle(options: SuiteOptions): Settled {
  return { seed: randomInt(2 ** 31), effort: 1, patience: CALL_PATIENCE, ...options }
}

/** Chooses the cases to run. @throws {HarnessError} If the kit's cases are not exactly those of the frozen contract. */
function choose<Item extends { readonly id: string }>(
  all: readonly Item[],
  ids: readonly string[],
  only: readonly string[] | undefined,
): readonly Item[] {
  if (all.length !== ids.length || all.some(({ id }, i) => id !== ids[i]))
    throw new HarnessError(`these are not the cases of the contract’s version ${frozen.contract}: reinstall the kit`)
  const patterns = (only ?? []).map(patternOf)
  for (const [i, pattern] of patterns.entries())
    if (!ids.some((id) => pattern.test(id)))
      throw new HarnessError(`${JSON.stringify(only![i])} is not a case of this contract: see --list`)
  return only ? all.filter(({ id }) => patterns.some((pattern) => pattern.test(id))) : all
}

/** Makes the pattern of ids: `*` stands for any text. */
function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[^\w/*-]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`)
}

async function runAll<Item extends Case | SerializerCase>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
  { seed, onStart, onEnd }: Settled,
): Promise<CaseReport[]> {
  const reports: CaseReport[] = []
  const strays = new Strays()
  let lost = 0
  for (const [i, item] of items.entries()) {
    onStart?.(item.id, i, items.length)
    const began = performance.now()
    const result = lost < ENOUGH ? await strays.judge(await run(item), item.id, seed) : untried(item.id, seed)
    if (result.status === 'harness-error' || ('error' in result && result.error instanceof Hang)) lost++
    const report = caseReportOf(item, result, performance.now() - began)
    reports.push(report)
    onEnd?.(report, i, items.length)
  }
  strays.stop()
  return reports
}

function untried(id: string, seed: number): Result {
  const error = new Untried(`not tried: ${ENOUGH} cases before it hung, or met an error of the harness`)
  return { status: 'inconclusive', error, steps: [], replay: `--case ${id} --seed ${seed}` }
}

function reportOf(
  kind: Report['kind'],
  name: string,
  reports: readonly CaseReport[],
  { seed, effort, only }: Settled,
  { startedAt, at }: { startedAt: string; at: number },
  versions: Report['versions'] = {},
): Report {
  return {
    format: 1,
    contract: frozen.contract,
    kind,
    name,
    verdict: verdictOf(reports),
    complete: only === undefined && effort === 1 && reports.length === frozen[kind].length,
    versions: { '@sess/conformance': kitVersion, ...versions, node: process.versions.node },
    seed,
    effort,
    startedAt,
    durationMs: Math.round(performance.now() - at),
    cases: reports,
  }
}
