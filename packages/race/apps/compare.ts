// Races the usual libraries and @sess on the same routes, and prints the table of why.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startRedis } from '@sess/test-servers'
import { htmlReport, race, type CheckName, type RaceResult } from '../src/index.ts'
import { contestants, startApps, type Contestant } from './contestants.ts'
import { WORK_MS } from './process.ts'
import { findInRedis, get, idOf, isInFiles, roundTrips, set, signIn } from './store-probe.ts'

const SERVERS = 2

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    // Only the apps on these stores: redis, sqlite.
    store: { type: 'string', multiple: true },
    // Only the apps whose heading holds this.
    app: { type: 'string', multiple: true },
    json: { type: 'string' },
    html: { type: 'string' },
  },
})
const chosen = contestants.filter(
  ({ store, title }) =>
    (values.store?.includes(store) ?? true) && (values.app?.some((text) => title.includes(text)) ?? true),
)
if (chosen.length === 0)
  throw new Error(
    `no app is left; --store takes redis or sqlite, --app a part of ${contestants.map(({ title }) => title).join(', ')}`,
  )
const trials = Number(values.trials)

/** One column of the table. */
interface Column {
  readonly contestant: Contestant
  readonly result: RaceResult
  readonly readable: string
  readonly trips: string
}

/** Races an app, and then has a look at what it does to its store. */
async function raced<T>(
  contestant: Contestant,
  env: Record<string, string>,
  look: (url: string) => Promise<T>,
): Promise<T & { contestant: Contestant; result: RaceResult }> {
  const apps = await startApps(contestant, { NODE_ENV: 'production', ...env }, SERVERS)
  try {
    const result = await race({
      servers: apps.urls,
      login: '/login user={user}',
      writes: ['/set key=a&value={value}', '/set key=b&value={value}'],
      read: '/get',
      logout: '/logout',
      trials,
    })
    const [url = ''] = apps.urls
    return { contestant, result, ...(await look(url)) }
  } finally {
    await apps.stop()
  }
}

const measureOnRedis = (contestant: Contestant, redis: Redis, url: string): Promise<Column> =>
  raced(contestant, { REDIS_URL: url }, async (app) => {
    const cookie = await signIn(app)
    const found = await findInRedis(redis, idOf(cookie))
    const read = await roundTrips(redis, () => get(app, cookie))
    const write = await roundTrips(redis, (turn) => set(app, cookie, turn))
    return { readable: found === undefined ? 'no' : `yes, in its ${found}`, trips: `${read} / ${write}` }
  })

const measureOnSqlite = (contestant: Contestant, file: string): Promise<Column> =>
  raced(contestant, { SQLITE_FILE: file }, async (app) => {
    const cookie = await signIn(app)
    return { readable: isInFiles(file, idOf(cookie)) ? 'yes, in its file' : 'no', trips: 'in process' }
  })

const lines: readonly [string, CheckName][] = [
  ['requests write different keys at once: a write lost', 'write-lost'],
  ['logout while a request is in flight: session alive again', 'alive-after-logout'],
  ['login while a request is in flight: old ID alive again', 'alive-after-login'],
  ['login while a request is in flight: signed out by its answer', 'sign-in-lost'],
  ['login while a request is in flight: its write lost', 'lost-over-login'],
  ['an ID known before the login is signed in by it', 'fixated'],
  ['a made-up ID is adopted', 'made-up-adopted'],
]

/** A table in Markdown. */
function tableOf(columns: readonly Column[]): string {
  const cell = ({ result }: Column, check: CheckName): string => {
    const row = result.rows.find((each) => each.check === check)!
    if (row.status === 'not run') return '–'
    return `${row.found} of ${row.judged}${row.status === 'not judged' ? ' (not judged)' : ''}`
  }
  const rows = [
    ['', ...columns.map(({ contestant }) => contestant.title)],
    ['---', ...columns.map(() => '---')],
    ...lines.map(([title, check]) => [title, ...columns.map((column) => cell(column, check))]),
    ['the live session ID can be read in the store', ...columns.map(({ readable }) => readable)],
    ['store round trips, read-only request / write', ...columns.map(({ trips }) => trips)],
  ]
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** Starts a Redis that keeps nothing, for as long as something is done with it. */
async function withRedis<T>(use: (redis: Redis, url: string) => Promise<T>): Promise<T> {
  await using server = await startRedis()
  const redis = new Redis(server.port)
  try {
    return await use(redis, `redis://127.0.0.1:${server.port}`)
  } finally {
    redis.disconnect()
  }
}

async function compare(): Promise<Column[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-race-'))
  const columns: Column[] = []
  try {
    for (const contestant of chosen) {
      process.stderr.write(`${contestant.title}\n`)
      columns.push(
        contestant.store === 'redis'
          ? await withRedis((redis, url) => measureOnRedis(contestant, redis, url))
          : await measureOnSqlite(contestant, join(folder, 'sessions.db')),
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return columns
}

const columns = await compare()
process.stdout.write(
  `${tableOf(columns)}\n\n${SERVERS} server processes, ${trials} trials of each race; a write is busy for ${WORK_MS} ms between load and save.\n`,
)
if (values.json !== undefined)
  writeFileSync(
    values.json,
    JSON.stringify(Object.fromEntries(columns.map((each) => [each.contestant.title, each.result]))),
  )
if (values.html !== undefined) {
  mkdirSync(values.html, { recursive: true })
  for (const { contestant, result } of columns) {
    const name = contestant.title.replaceAll(/\W+/g, '-').replaceAll(/^-/g, '')
    writeFileSync(join(values.html, `${name}.html`), htmlReport(result))
  }
}
let failed = false
for (const { contestant, result, readable } of columns) {
  const { title, holds } = contestant
  // A check that cannot be run finds nothing; one that was not judged proves nothing.
  const broken: string[] = holds.filter((check) =>
    result.rows.some((row) => row.check === check && (row.status === 'found' || row.status === 'not judged')),
  )
  if (holds.length > 0 && readable !== 'no') broken.push('its ID can be read in the store')
  if (broken.length === 0) continue
  failed = true
  process.stderr.write(`${title} does not hold: ${broken.join(', ')}\n`)
}
process.exitCode = failed ? 1 : 0
