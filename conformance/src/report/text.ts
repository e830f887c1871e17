import type { Step } from '../result.ts'
import type { CaseReport, Report, Status } from './report.ts'

/** The name of each status in reports for people. */
export const STATUS: Readonly<Record<Status, string>> = {
  pass: 'passed',
  fail: 'failed',
  deviates: 'deviates as listed',
  'not-applicable': 'not applicable',
  inconclusive: 'inconclusive',
  'harness-error': 'harness error',
}

/** Formats the number of cases of each status: `86 passed, 3 not applicable`. */
export function countsOf(cases: readonly CaseReport[]): string {
  return (Object.keys(STATUS) as Status[])
    .map((status) => [cases.filter((one) => one.status === status).length, STATUS[status]] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}

/** Formats the verdict as a sentence. */
export function summaryOf(report: Report): string {
  const { name, verdict, complete, effort, scale = 1, kind, contract, problem, cases } = report
  if (problem !== undefined) return `The harness of ${name} fell short: ${problem}.`
  if (cases.length === 0) return `Nothing was run for ${name}.`
  if (verdict === 'harness-error') return `The harness of ${name} fell short; nothing is said of the ${kind}.`
  if (verdict === 'fail') return `${name} breaks the contract.`
  if (verdict === 'inconclusive') return `${name} could not be judged in every case.`
  const sizes = scale < 1 ? `, with the cases of scale at ${Math.round(100 * scale)} % of their size` : ''
  if (complete) return `${name} keeps the contract, version ${contract}${sizes}.`
  return effort < 1 ? `${name} passed a quick run, which proves nothing.` : `${name} passed the cases that were run.`
}

/** Formats the times of a call: `1.20–1.25 ms`, `120–125 ms`. */
export function timesOf({ from, to }: Step): string {
  const exact = (ms: number): string => ms.toFixed((to ?? from) < 10 ? 2 : 0)
  return to === undefined ? `${exact(from)} ms, never ended` : `${exact(from)}–${exact(to)} ms`
}

/** Formats a call as one line. */
export function stepLine(step: Step): string {
  const { client, call, answer = '…', wrong } = step
  return `      ${wrong ? '→' : ' '} ${timesOf(step).padStart(20)}  ${client.padEnd(10)} ${call} = ${answer}`
}

function caseText({ id, text, status, failure, deviation }: CaseReport): string[] {
  if (!failure) return []
  const lines = ['', `  ${STATUS[status]}: ${id}`, `    ${text}`]
  if (deviation) return [...lines, `    ${deviation.reason} (${deviation.issue})`]
  return [
    ...lines,
    '',
    ...failure.message.split('\n').map((line) => `    ${line}`),
    ...(failure.steps.length > 0 ? ['', '    The calls:', ...failure.steps.slice(-20).map(stepLine)] : []),
    '',
    `    Again: ${failure.replay}`,
  ]
}

function benchText({ bench = [] }: Report): string[] {
  if (bench.length === 0) return []
  const heading = ['operation', 'p50 ms', 'p99 ms', 'calls', 'round trips']
  const rows = bench.map(({ operation, p50, p99, calls, roundTrips }) => [operation, p50, p99, calls, roundTrips ?? ''])
  return [
    '',
    ...[heading, ...rows].map(([operation, ...rest]) =>
      `  ${String(operation).padEnd(32)}${rest.map((cell) => String(cell).padStart(12)).join('')}`.trimEnd(),
    ),
  ]
}

/** Formats a report for a terminal: the failures, the measurements, and the verdict. */
export function textReport(report: Report): string {
  const { cases, durationMs, seed, problem, notes = [] } = report
  return [
    ...(problem === undefined ? cases.flatMap(caseText) : []),
    ...benchText(report),
    '',
    ...(cases.length > 0
      ? [`${countsOf(cases)} of ${cases.length} cases in ${(durationMs / 1000).toFixed(1)} s, seed ${seed}`]
      : []),
    summaryOf(report),
    ...notes.map((note) => `Note: ${note}.`),
    '',
  ].join('\n')
}
