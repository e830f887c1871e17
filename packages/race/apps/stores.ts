// Races one app, @sess/express, on every store that several processes can share, and ends with 0 only if nothing was found.
import { parseArgs } from 'node:util'
import type { Harness } from '@sess/conformance'
import stores from '../../../scripts/check/stores.json' with { type: 'json' }
import type { CheckName, RaceResult } from '../src/index.ts'
import { cellOf, conditions, markdown, raced, rowOf } from './raced.ts'
import { moduleIn, storeAt } from './store.ts'

type StoreName = keyof typeof stores

/** What no process can share with another. */
const OWN: readonly StoreName[] = ['memory']

const names = (Object.keys(stores) as StoreName[]).filter((name) => !OWN.includes(name))

const columns: readonly [string, CheckName][] = [
  ['a write lost', 'write-lost'],
  ['alive after its logout', 'alive-after-logout'],
  ['old ID alive after a login', 'alive-after-login'],
  ['signed out by another answer', 'sign-in-lost'],
  ['a write lost over a login', 'lost-over-login'],
  ['fixated', 'fixated'],
  ['made-up ID adopted', 'made-up-adopted'],
  ['ended ID adopted', 'ended-adopted'],
]

/** The races of two requests, of which it matters how often they met. */
const meetings: readonly CheckName[] = ['write-lost', 'alive-after-logout', 'alive-after-login']

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    // Only these stores.
    store: { type: 'string', multiple: true },
  },
})
const unknown = values.store?.find((name) => !names.includes(name as StoreName))
if (unknown !== undefined) throw new Error(`--store takes ${names.join(', ')}; it was given ${unknown}`)
const chosen = names.filter((name) => values.store?.includes(name) ?? true)
const trials = Number(values.trials)

/** Starts the server of a store, races the app on it. */
async function raceOn(name: StoreName): Promise<RaceResult> {
  const module = moduleIn(stores[name].folder)
  const { harness } = (await import(module)) as { harness: Harness }
  const space = await harness.open()
  try {
    const app = { file: 'sess-express.ts' }
    return (await raced(app, storeAt(module, space.argument!), trials, async () => ({}))).result
  } finally {
    await space.close()
  }
}

/** What keeps a result from being all zeros. */
function shortfalls(result: RaceResult): string[] {
  return columns.flatMap(([, check]) => {
    const { status, title, found, judged, note, unjudged } = rowOf(result, check)
    if (status === 'found') return `${title}: ${found} of ${judged}`
    if (status === 'clean' && judged === trials) return []
    const why = [...(note === undefined ? [] : [note]), ...Object.keys(unjudged)]
    return `${title}: ${judged} of ${trials} judged (${why.join('; ')})`
  })
}

const results: [StoreName, RaceResult][] = []
for (const name of chosen) {
  process.stderr.write(`${name}\n`)
  const result = await raceOn(name)
  results.push([name, result])
  for (const shortfall of shortfalls(result)) process.stderr.write(`${name}: ${shortfall}\n`)
}
const table = markdown([
  ['', ...columns.map(([title]) => title), 'met: writes / logout / login'],
  ...results.map(([name, result]) => [
    name,
    ...columns.map(([, check]) => cellOf(result, check)),
    meetings.map((check) => String(rowOf(result, check).inFlight ?? '–')).join(' / '),
  ]),
])
const failed = results.some(([, result]) => shortfalls(result).length > 0)
// Servers that a harness has started go with this process.
process.stdout.write(`${table}\n\n${conditions(trials)}\n`, () => process.exit(failed ? 1 : 0))
