import type { CaseReport, Report } from './report.ts'
import { countsOf, STATUS, summaryOf, timesOf } from './text.ts'

/** Escapes text for a cell of a table. */
const cell = (text: string | number): string =>
  String(text).replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

function table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Makes a code block, with a fence that is longer than every fence in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}

function failureOf({ id, text, status, failure }: CaseReport): string {
  const { message, steps, replay } = failure!
  const calls = steps.map((step) => [
    step.wrong ? '→' : '',
    timesOf(step),
    step.client,
    step.call,
    step.answer ?? 'never ended',
  ])
  return [
    `### ${STATUS[status]}: ${id}`,
    text,
    fenced(message),
    ...(steps.length > 0 ? [table(['', 'when', 'who', 'call', 'answer'], calls)] : []),
    `Again: \`${replay}\``,
  ].join('\n\n')
}

function noteOf({ evidence, deviation }: CaseReport): string {
  if (deviation) return `${deviation.reason} (${deviation.issue})`
  return evidence ?? ''
}

/** Makes a report as Markdown. */
export function markdownReport(report: Report): string {
  const { name, cases, versions, traits, seed, startedAt, durationMs, bench = [] } = report
  const bad = cases.filter(({ failure, status }) => failure && status !== 'deviates')
  const clauses = [...new Set(cases.map(({ clause }) => clause))]
  const parts = [
    `# ${name}: conformance`,
    `**${summaryOf(report)}**`,
    ...(cases.length > 0 ? [`${countsOf(cases)} of ${cases.length} cases.`] : []),
    table(
      ['', ''],
      [
        ...Object.entries(versions),
        ...Object.entries(traits ?? {}).map(([trait, value]) => [`\`${trait}\``, String(value)]),
        ['run', `${startedAt}, ${(durationMs / 1000).toFixed(1)} s, seed ${seed}`],
      ],
    ),
    ...bad.map(failureOf),
    ...(bench.length > 0
      ? [
          '## Measured',
          table(
            ['operation', 'p50 ms', 'p99 ms', 'calls', 'round trips'],
            bench.map((row) => [row.operation, row.p50, row.p99, row.calls, row.roundTrips ?? '']),
          ),
        ]
      : []),
    ...clauses.flatMap((clause) => [
      `## ${clause}`,
      table(
        ['case', 'rule', 'status', ''],
        cases
          .filter((one) => one.clause === clause)
          .map((one) => [`\`${one.id}\``, one.text, STATUS[one.status], noteOf(one)]),
      ),
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}
