// Races the usual libraries and @sess on the same routes, and prints the table of why.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startRedis } from '@sess/test-servers'
import { htmlReport, type CheckName, type RaceResult } from '../src/index.ts'
import { contestants, type Contestant } from './contestants.ts'
import { cellOf, conditions, markdown, raced, rowOf } from './raced.ts'
import { findInRedis, get, idOf, isInFiles, roundTrips, set, signIn } from './store-probe.ts'

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
const measure = (
  contestant: Contestant,
  env: Record<string, string>,
  look: (url: string) => Promise<Pick<Column, 'readable' | 'trips'>>,
): Promise<Column> =>
  raced(contestant, env, trials, async (result, url) => ({ contestant, result, ...(await look(url)) }))

const measureOnRedis = (contestant: Contestant, redis: Redis, url: string): Promise<Column> =>
  measure(contestant, { REDIS_URL: url }, async (app) => {
    const cookie = await signIn(app)
    const found = await findInRedis(redis, idOf(cookie))
    const read = await roundTrips(redis, () => get(app, cookie))
    const write = await roundTrips(redis, (turn) => set(app, cookie, turn))
    return { readable: found === undefined ? 'no' : `yes, in its ${found}`, trips: `${read} / ${write}` }
  })

const measureOnSqlite = (contestant: Contestant, file: string): Promise<Column> =>
  measure(contestant, { SQLITE_FILE: file }, async (app) => {
    const cookie = await signIn(app)
    return { readable: isInFiles(file, idOf(cookie)) ? 'yes, in its file' : 'no', trips: 'in process' }
  })

const lines: readonly [string, CheckName][] = [
  ['two requests change different keys: one of the writes is lost', 'write-lost'],
  ['logout during a request: the session works again', 'alive-after-logout'],
  ['sign-in during a request: the cookie from before works again', 'alive-after-login'],
  ['login while a request is in flight: signed out by its answer', 'sign-in-lost'],
  ['login while a request is in flight: its write lost', 'lost-over-login'],
  ['an ID known before the login is signed in by it', 'fixated'],
  ['a made-up ID is adopted', 'made-up-adopted'],
]

/** A table in Markdown. */
function tableOf(columns: readonly Column[]): string {
  return markdown([
    ['', ...columns.map(({ contestant }) => contestant.title)],
    ...lines.map(([title, check]) => [title, ...columns.map(({ result }) => cellOf(result, check))]),
    ['the whole session ID of a cookie can be read in the store', ...columns.map(({ readable }) => readable)],
    ['round trips to the store, read-only request / write', ...columns.map(({ trips }) => trips)],
  ])
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
process.stdout.write(`${tableOf(columns)}\n\n${conditions(trials)}\n`)
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
  const broken: string[] = holds.filter((check) => /^(?:found|not judged)$/.test(rowOf(result, check).status))
  if (holds.length > 0 && readable !== 'no') broken.push('its ID can be read in the store')
  if (broken.length === 0) continue
  failed = true
  process.stderr.write(`${title} does not hold: ${broken.join(', ')}\n`)
}
process.exitCode = failed ? 1 : 0
