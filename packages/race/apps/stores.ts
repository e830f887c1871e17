// Races one app, @sess/express, on every store that processes can share. Ends with 0 only if all was judged and nothing found.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Harness } from '@sess/conformance'
import known from '../../../scripts/check/stores.json' with { type: 'json' }
import type { CheckName, RaceResult } from '../src/index.ts'
import { cellOf, conditions, markdown, raced, rowOf } from './raced.ts'
import { moduleIn, storeAt } from './store.ts'

/** Where the stores are. The memory store lives in one process: there is nothing that two could race for. */
const folders = new Map(
  Object.entries(known)
    .filter(([name]) => name !== 'memory')
    .map(([name, { folder }]) => [name, folder]),
)

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

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    // Only these: names, or modules that export a harness, as the conformance kit takes them.
    store: { type: 'string', multiple: true, default: [...folders.keys()] },
  },
})
const trials = Number(values.trials)

/** Where the harness of a store is. */
function moduleOf(store: string): string {
  const folder = folders.get(store)
  if (folder !== undefined) return moduleIn(folder)
  if (existsSync(store)) return pathToFileURL(resolve(store)).href
  throw new Error(
    `there is no store ${store}: --store takes ${[...folders.keys()].join(', ')}, or the path of a harness`,
  )
}

/** A row of the table. */
interface Raced {
  readonly name: string
  readonly result: RaceResult
}

/** Starts what a store needs, and races the app on it. */
async function raceOn(module: string): Promise<Raced> {
  const { harness } = (await import(module)) as { harness: Harness }
  const space = await harness.open()
  try {
    const app = { file: 'sess-express.ts' }
    const { result } = await raced(app, storeAt(module, space.argument!), trials, async () => ({}))
    return { name: harness.name, result }
  } finally {
    await space.close()
  }
}

/** What keeps a row from being all zeros. */
function shortfalls({ name, result }: Raced): string[] {
  return columns.flatMap(([, check]) => {
    const { status, title, found, judged, note, unjudged } = rowOf(result, check)
    if (status === 'found') return `${name}: ${title}: ${found} of ${judged}`
    if (status === 'clean' && judged === trials) return []
    const why = [...(note === undefined ? [] : [note]), ...Object.keys(unjudged)]
    return `${name}: ${title}: ${judged} of ${trials} judged (${why.join('; ')})`
  })
}

const rows: Raced[] = []
for (const module of values.store.map(moduleOf)) {
  const row = await raceOn(module)
  rows.push(row)
  process.stderr.write(
    [`${row.name}: ${Math.round(row.result.durationMs / 1000)} s`, ...shortfalls(row), ''].join('\n'),
  )
}
const table = markdown([
  ['', ...columns.map(([title]) => title), 'writes / logouts / logins that met'],
  ...rows.map(({ name, result }) => [
    name,
    ...columns.map(([, check]) => cellOf(result, check)),
    meetings.map((check) => rowOf(result, check).inFlight ?? 0).join(' / '),
  ]),
])
const failed = rows.some((row) => shortfalls(row).length > 0)
// Servers that a harness has started go with this process.
process.stdout.write(`${table}\n\n${conditions(trials)}\n`, () => process.exit(failed ? 1 : 0))
