import type { CaseReport, Report, Status } from '../../src/report/report.ts'
import { countsOf, STATUS, summaryOf } from '../../src/report/text.ts'

/** What the repository keeps of a run: {@link compact} writes it, {@link readCompact} reads it back. */
export interface Kept {
  readonly verdict: string
  /** `202 passed, 19 not applicable`. */
  readonly counts: string
  readonly versions: Readonly<Record<string, string>>
  /** Every case that was run, in no order that says anything. */
  readonly ids: readonly string[]
  readonly deviations: readonly string[]
}

const PASSED = STATUS.pass
const DEVIATES = STATUS.deviates

const cell = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

const rows = (of: readonly (readonly string[])[]): string => of.map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const table = (heading: readonly string[], of: readonly (readonly string[])[]): string =>
  rows([heading, heading.map(() => '---'), ...of])

function whyOf({ evidence, deviation, failure }: CaseReport): string {
  if (deviation) return `${deviation.reason} (${deviation.issue})`
  return evidence ?? failure?.message ?? ''
}

/**
 * The report that is kept in the repository: the verdict, the versions, and each case by its name; those that did not
 * simply pass stand first, with the reason.
 */
export function compact(report: Report): string {
  const { name, cases, versions, traits, seed, startedAt, durationMs } = report
  const clauses = [...new Set(cases.map(({ clause }) => clause))]
  const others = (Object.keys(STATUS) as Status[]).filter((status) => status !== 'pass')
  const short = ({ id, clause }: CaseReport): string => `\`${id.slice(clause.length + 1)}\``
  const parts = [
    `# ${name}: conformance`,
    `**${summaryOf(report)}**`,
    `${countsOf(cases)} of ${cases.length} cases. What each case demands is in [the kill matrix](../../docs/kill-matrix.md#cases).`,
    '## Versions',
    table(['of', 'version'], Object.entries(versions)),
    '## Run',
    table(
      ['', ''],
      [
        ...Object.entries(traits ?? {}).map(([trait, value]) => [`\`${trait}\``, String(value)]),
        ['started', startedAt],
        ['took', `${(durationMs / 1000).toFixed(1)} s`],
        ['seed', String(seed)],
      ],
    ),
    ...others.flatMap((status) => {
      const these = cases.filter((each) => each.status === status)
      if (these.length === 0) return []
      const list = these.map((each) => [`\`${each.id}\``, cell(whyOf(each))])
      return [`## ${STATUS[status]}`, table(['case', 'why'], list)]
    }),
    `## ${PASSED}`,
    table(
      ['clause', 'cases'],
      clauses.flatMap((clause) => {
        const passed = cases.filter((each) => each.clause === clause && each.status === 'pass')
        return passed.length === 0 ? [] : [[clause, passed.map(short).join(' ')]]
      }),
    ),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Reads a kept report. @throws {Error} For a text that {@link compact} did not write. */
export function readCompact(text: string): Kept {
  const verdict = /^\*\*(.*)\*\*$/m.exec(text)?.[1]
  const counts = /^(.*) of \d+ cases\./m.exec(text)?.[1]
  if (verdict === undefined || counts === undefined) throw new Error('this is no report of the kit')
  const sections = new Map(
    text.split(/^## /m).map((section) => [
      section.slice(0, section.indexOf('\n')),
      // Without the heading of the table and the line under it.
      [...section.matchAll(/^\| (.*?) \| (.*) \|$/gm)].slice(2).map(([, first = '', second = '']) => [first, second]),
    ]),
  )
  const of = (title: string): string[][] => sections.get(title) ?? []
  const bare = (name: string): string => name.replaceAll('`', '')
  const listed = (title: string): string[] => of(title).map(([id = '']) => bare(id))
  const passed = of(PASSED).flatMap(([clause = '', names = '']) =>
    names.split(' ').map((name) => `${clause}/${bare(name)}`),
  )
  const others = Object.values(STATUS).filter((title) => title !== PASSED)
  return {
    verdict,
    counts,
    versions: Object.fromEntries(of('Versions').map(([name = '', version = '']) => [name, version])),
    ids: [...passed, ...others.flatMap(listed)],
    deviations: listed(DEVIATES),
  }
}
