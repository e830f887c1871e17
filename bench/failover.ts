// Kills a server under load, and counts what was acknowledged and then undone. It prints one table when all outages have taken place.
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { CLIENTS } from './failover/apps.ts'
import { cluster, oneServer, postgres, sentinels, type Scene } from './failover/scenes.ts'
import { outage, type Outage } from './failover/turn.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    turns: { type: 'string', default: '3' },
    lag: { type: 'string', default: '1000' },
    down: { type: 'string', default: '1500' },
  },
})
const [turns, lag, down] = [values.turns, values.lag, values.down].map(Number) as [number, number, number]

interface Row {
  readonly kind: string
  readonly what: string
  readonly client: string
  readonly start: () => Promise<Scene>
  readonly lag?: number
  /** The counts that the store promises to be 0. */
  readonly promised: readonly ('undoneEnds' | 'undoneRotations' | 'undoneWrites')[]
}

const ALL = ['undoneEnds', 'undoneRotations', 'undoneWrites'] as const
/** Without a lag and with one; with one, logouts do not wait for replicas, or do. */
const FAILOVERS = [
  { lag: 0, wait: false, how: 'the replicas keep up' },
  { lag, wait: false, how: `the replicas have received nothing for ${lag} ms` },
  { lag, wait: true, how: 'the same, with `waitReplicas`' },
]
const rows: readonly Row[] = [
  ...CLIENTS.map((client) => ({
    kind: 'restart',
    what: `one Redis, \`appendonly yes\`, down for ${down} ms`,
    client,
    start: () => oneServer(client, down),
    promised: ALL,
  })),
  ...Object.entries({ sentinel: sentinels, cluster }).flatMap(([kind, start]) =>
    FAILOVERS.flatMap(({ how, lag, wait }) =>
      CLIENTS.map((client): Row => ({
        kind,
        what: `${kind === 'cluster' ? 'Cluster' : 'Sentinel'}: ${how}`,
        client,
        start: () => start(client, wait),
        lag,
        promised: wait ? ['undoneEnds'] : [],
      })),
    ),
  ),
  {
    kind: 'postgres',
    what: `PostgreSQL, down for ${down} ms`,
    client: 'pg 8',
    start: () => postgres(down),
    promised: ALL,
  },
]
const kinds = new Set(rows.map(({ kind }) => kind))
for (const name of positionals) if (!kinds.has(name)) throw new Error(`${name} is none of ${[...kinds].join(', ')}`)

const results: { row: Row; outages: Outage[] }[] = []
for (const row of rows.filter(({ kind }) => positionals.length === 0 || positionals.includes(kind))) {
  const outages: Outage[] = []
  for (let i = 0; i < turns; i++) {
    console.error(`${row.what}, ${row.client}, ${i + 1} of ${turns}`)
    outages.push(await outage(row.start, row.lag ?? 0))
  }
  results.push({ row, outages })
}

const COLUMNS: Readonly<Record<string, (outage: Outage) => number>> = {
  'under way at the kill': ({ underWay }) => underWay,
  'server back after, ms': ({ server }) => server,
  'first answer after, ms': ({ answer }) => answer,
  'last error after, ms': ({ lastError }) => lastError,
  'logouts acknowledged': ({ ends }) => ends,
  'back afterwards': ({ undoneEnds }) => undoneEnds,
  'rotations acknowledged': ({ rotations }) => rotations,
  undone: ({ undoneRotations }) => undoneRotations,
  'writes acknowledged': ({ writes }) => writes,
  'sessions that lost one': ({ undoneWrites }) => undoneWrites,
}

/** The number of errors of each code, in each outage. */
function errorsOf(outages: readonly Outage[]): string {
  const codes = new Set(outages.flatMap(({ errors }) => Object.keys(errors)))
  return [...codes].map((code) => `${code} ${outages.map(({ errors }) => errors[code] ?? 0).join(', ')}`).join('; ')
}

const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)
const heads = ['what was killed', 'client', ...Object.keys(COLUMNS), 'errors']
console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node.js ${process.version}\n`)
line(heads)
line(heads.map(() => '---'))
for (const { row, outages } of results)
  line([row.what, row.client, ...Object.values(COLUMNS).map((of) => outages.map(of).join(', ')), errorsOf(outages)])

for (const { row, outages } of results)
  for (const seen of outages) {
    const broken = row.promised.filter((count) => seen[count] > 0)
    if (broken.length === 0 && seen.wrong.length === 0) continue
    console.error(`${row.what}, ${row.client}: a promise is broken:`, broken, seen.wrong)
    process.exitCode = 1
  }
// Clients of `redis` 5 go on connecting to nodes that have gone, even after destroy().
process.exit()
