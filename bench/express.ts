// Requests per second of Express 5 with a small session, and the server's own CPU time for each, for each kind of session: in
// turn, round after round, so that what else the machine does falls on all alike. Ratios are taken within a round. Each round has new processes: the engine
// compiles the same code a little differently each time.
import { parseArgs } from 'node:util'
import { startPostgres, startRedis } from '@sess/test-servers'
import { Contestant } from './contestant.ts'
import { load } from './wrk.ts'

const ALL = ['none', 'by-hand', 'express-session', 'sess-store', 'sess', 'sess-node-redis']
/** Those on PostgreSQL, when they are named. */
const ON_POSTGRES = ['connect-pg-simple', 'sess-postgres']
const RATIOS = [
  ['sess', 'express-session'],
  ['sess', 'by-hand'],
  ['by-hand', 'express-session'],
  ['sess-node-redis', 'sess'],
  ['sess-store', 'express-session'],
  ['sess-postgres', 'connect-pg-simple'],
  ['sess', 'none'],
  ['fastify-sess', 'fastify-none'],
  ['fastify-sess', 'fastify-session'],
  ['hono-sess', 'hono-none'],
  ['hono-sess', 'hono-sessions'],
  ['koa-sess', 'koa-none'],
  ['koa-sess', 'koa-session'],
] as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '3' },
    sessions: { type: 'string', default: '256' },
    warm: { type: 'string', default: '4' },
    // `/untouched` is asked by visitors without a cookie.
    path: { type: 'string', multiple: true, default: ['/read', '/write'] },
  },
})
const NAMES = positionals.length > 0 ? positionals : ALL
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const warm = Number(values.warm)

/** Median, and the whole range. */
function spread(numbers: readonly number[], digits: number): string {
  const sorted = numbers.toSorted((a, b) => a - b)
  const text = (number: number): string =>
    number.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${text(sorted[sorted.length >> 1]!)} (${text(sorted[0]!)}–${text(sorted.at(-1)!)})`
}

await using redis = await startRedis()
await using postgres = NAMES.some((name) => ON_POSTGRES.includes(name)) ? await startPostgres() : undefined
const urls = {
  REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  ...(postgres && { POSTGRES_URL: `postgres://postgres@127.0.0.1:${postgres.port}/postgres` }),
}
const PATHS = values.path
/** What was measured: by path, then by contestant, one number a round. */
const table = (): Map<string, Map<string, number[]>> =>
  new Map(PATHS.map((path) => [path, new Map<string, number[]>(NAMES.map((name) => [name, []]))]))
const rates = table()
const times = table()
for (let round = 0; round < rounds; round++) {
  // Another one begins each round.
  for (let turn = 0; turn < NAMES.length; turn++) {
    const name = NAMES[(turn + round) % NAMES.length]!
    await using contestant = await Contestant.start(name, urls, Number(values.sessions))
    for (const path of PATHS) {
      const cookies = path === '/untouched' ? [] : contestant.cookies
      // Until the engine has compiled what it compiles: that is CPU time of the process too.
      await load(contestant.url + path, cookies, warm)
      const before = await contestant.cpuTime()
      const { requests, perSecond } = await load(contestant.url + path, cookies, seconds)
      const time = ((await contestant.cpuTime()) - before) / requests
      rates.get(path)!.get(name)!.push(perSecond)
      times.get(path)!.get(name)!.push(time)
      console.error(`round ${round + 1} of ${rounds}: ${name} ${path} ${perSecond.toFixed(0)}/s, ${time.toFixed(1)} µs`)
    }
  }
}

/** Prints medians, and ratios of the same round. @param more - What a ratio above 1 says. */
function print(title: string, byName: ReadonlyMap<string, readonly number[]>, digits: number, more: string): void {
  console.log(`\n${title}: median (min–max) of ${rounds} rounds of ${seconds} s`)
  for (const [name, all] of byName) console.log(`  ${name.padEnd(18)} ${spread(all, digits)}`)
  for (const [ours, other] of RATIOS) {
    const theirs = byName.get(other)
    const ratios = theirs && byName.get(ours)?.map((value, i) => value / theirs[i]!)
    if (ratios) console.log(`  ${ours} / ${other}: ${spread(ratios, 2)} (${more})`)
  }
}

for (const path of PATHS) {
  print(`${path}, requests per second`, rates.get(path)!, 0, 'above 1: more requests')
  print(`${path}, microseconds of the server's CPU time for each request`, times.get(path)!, 1, 'below 1: less time')
}
