import type { RaceResult, Row } from './result.ts'

const percent = (share: number): string => (share === 0 || share === 1 ? String(share * 100) : (share * 100).toFixed(1))

/** The count of a row: `99 of 100`. */
export const countOf = ({ found, judged }: Row): string => `${found} of ${judged}`

/** The interval of the true share: `94.6–99.8 %`, or `≤ 3.7 %` if nothing was found. */
export function intervalOf({ found, judged, interval: [low, high] }: Row): string {
  if (judged === 0) return ''
  return found === 0 ? `≤ ${percent(high)} %` : `${percent(low)}–${percent(high)} %`
}

/** Further remarks on a row. */
export function remarksOf({ details, unjudged, note, status, found, inFlight, judged }: Row): string[] {
  const hits = Object.entries(details).map(([detail, count]) => (found === count ? detail : `${detail} ${count}`))
  const failed = Object.entries(unjudged).map(([reason, count]) => `${count} not judged: ${reason}`)
  return [
    ...(status === 'found' && hits.length > 0 ? [hits.join(', ')] : []),
    ...(inFlight !== undefined && inFlight < judged ? [`in flight at once in ${inFlight} of ${judged}`] : []),
    ...(note === undefined ? [] : [status === 'not run' ? `not run: ${note}` : note]),
    ...(status === 'not run' ? [] : failed),
  ]
}

/** The label of a row: the kind of finding in capitals, or the status. */
export function labelOf({ status, kind }: Row): string {
  if (status === 'found') return kind.toUpperCase()
  return { clean: 'ok', 'not judged': 'UNJUDGED', 'not run': '-' }[status]
}

/** One sentence for the run. */
export function summaryOf({ rows, verdict }: RaceResult): string {
  const run = rows.filter(({ status }) => status !== 'not run')
  const found = run.filter(({ status }) => status === 'found')
  if (verdict === 'found')
    return `${found.length} of ${run.length} ${run.length === 1 ? 'check' : 'checks'} found something.`
  if (verdict === 'clean')
    return `Nothing was lost, resurrected or adopted in ${run.length} ${run.length === 1 ? 'check' : 'checks'}.`
  return run.length === 0
    ? 'Nothing was run.'
    : 'Nothing was found, and not everything could be judged: this is no clean result.'
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** A line that describes the run. */
export function headingOf({ servers, trials, baseline: { cookies } }: RaceResult): string {
  const cookie = `session cookie${cookies.length === 1 ? '' : 's'} ${cookies.join(', ')}`
  return `${plural(servers.length, 'server')}, ${plural(trials, 'trial')} of each race, ${cookie}`
}

/** The result as a table for a terminal. */
export function textReport(result: RaceResult): string {
  const cells = result.rows.map((row) => [
    labelOf(row),
    row.title,
    row.status === 'not run' ? '' : countOf(row),
    row.status === 'not run' ? '' : intervalOf(row),
    remarksOf(row).join('; '),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]!.length)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return [headingOf(result), '', ...lines, '', summaryOf(result)].join('\n')
}
