import type { CheckName, RaceResult } from '../src/index.ts'
import { cellOf, conditions, markdown, rowOf } from './raced.ts'

/** A row of a table in which nothing is to be found. */
export interface Raced {
  readonly name: string
  readonly result: RaceResult
  /** What it stands on. */
  readonly versions: string
}

const columns: readonly [string, CheckName][] = [
  ['a write lost', 'write-lost'],
  ['alive after its logout', 'alive-after-logout'],
  ['old ID alive after a login', 'alive-after-login'],
  ['signed out by another answer', 'sign-in-lost'],
  ['a write lost over a login', 'lost-over-login'],
  ['an ID from before signed in', 'fixated'],
  ['a made-up ID adopted', 'made-up-adopted'],
  ['an ended ID adopted', 'ended-adopted'],
]

/** One of each race of which it matters how often its requests met. */
const meetings: readonly CheckName[] = ['write-lost', 'alive-after-logout', 'alive-after-login']

/** What keeps a row from being all zeros. */
function shortfalls({ name, result }: Raced, trials: number): string[] {
  return columns.flatMap(([, check]) => {
    const { status, title, found, judged, note, unjudged } = rowOf(result, check)
    if (status === 'found') return `${name}: ${title}: ${found} of ${judged}`
    if (status === 'clean' && judged === trials) return []
    const why = [...(note === undefined ? [] : [note]), ...Object.keys(unjudged)]
    return `${name}: ${title}: ${judged} of ${trials} judged (${why.join('; ')})`
  })
}

/**
 * Races one after the other, says on the way what was found, prints the table, and ends this process: with 0 only if all was
 * judged and nothing found. Servers that a harness has started go with it.
 */
export async function printAndExit(races: readonly (() => Promise<Raced>)[], trials: number): Promise<void> {
  const rows: Raced[] = []
  for (const race of races) {
    const row = await race()
    rows.push(row)
    const seconds = Math.round(row.result.durationMs / 1000)
    process.stderr.write([`${row.name}: ${seconds} s`, ...shortfalls(row, trials), ''].join('\n'))
  }
  const table = markdown([
    ['', ...columns.map(([title]) => title), 'writes / logouts / logins that met', 'with'],
    ...rows.map(({ name, result, versions }) => [
      name,
      ...columns.map(([, check]) => cellOf(result, check)),
      meetings.map((check) => rowOf(result, check).inFlight ?? 0).join(' / '),
      versions,
    ]),
  ])
  const failed = rows.some((row) => shortfalls(row, trials).length > 0)
  process.stdout.write(`${table}\n\n${conditions(trials)}\n`, () => process.exit(failed ? 1 : 0))
}
