// Requests per second of Express 5 with a small session, for each kind of session: in turn, round after round, so that what
// else the machine does falls on all alike. Ratios are taken within a round. Each round has new processes: the engine
// compiles the same code a little differently each time.
import { parseArgs } from 'node:util'
import { startRedis } from '@sess/test-servers'
import { Contestant } from './contestant.ts'
import { requestsPerSecond } from './wrk.ts'

const NAMES = ['none', 'by-hand', 'express-session', 'sess-store', 'sess']
const RATIOS = [
  ['sess', 'express-session'],
  ['sess', 'by-hand'],
  ['by-hand', 'express-session'],
  ['sess-store', 'express-session'],
] as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '3' },
    sessions: { type: 'string', default: '256' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

/** Median, and the whole range. */
function spread(numbers: readonly number[], digits: number): string {
  const sorted = numbers.toSorted((a, b) => a - b)
  const text = (number: number): string =>
    number.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${text(sorted[sorted.length >> 1]!)} (${text(sorted[0]!)}–${text(sorted.at(-1)!)})`
}

await using redis = await startRedis()
const PATHS = ['/read', '/write']
const rates = new Map(PATHS.map((path) => [path, new Map<string, number[]>(NAMES.map((name) => [name, []]))]))
for (let round = 0; round < rounds; round++) {
  // Another one begins each round.
  for (let turn = 0; turn < NAMES.length; turn++) {
    const name = NAMES[(turn + round) % NAMES.length]!
    await using contestant = await Contestant.start(name, `redis://127.0.0.1:${redis.port}`, Number(values.sessions))
    for (const path of PATHS) {
      const load = (): Promise<number> => requestsPerSecond(contestant.url + path, contestant.cookies, seconds)
      // The first load warms up.
      await load()
      const rate = await load()
      rates.get(path)!.get(name)!.push(rate)
      console.error(`round ${round + 1} of ${rounds}: ${name} ${path} ${rate.toFixed(0)}`)
    }
  }
}

for (const [path, byName] of rates) {
  console.log(`\n${path}, requests per second: median (min–max) of ${rounds} rounds of ${seconds} s`)
  for (const [name, all] of byName) console.log(`  ${name.padEnd(16)} ${spread(all, 0)}`)
  for (const [ours, other] of RATIOS) {
    const ratios = byName.get(ours)!.map((rate, i) => rate / byName.get(other)![i]!)
    console.log(`  ${ours} / ${other}: ${spread(ratios, 2)}`)
  }
}
