// Requests per second of Express 5 with a small session, for each kind of session: in turn, round after round, so that what
// else the machine does falls on all alike. Ratios are taken within a round.
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
await using stack = new AsyncDisposableStack()
const contestants: Contestant[] = []
for (const name of NAMES)
  contestants.push(stack.use(await Contestant.start(name, `redis://127.0.0.1:${redis.port}`, Number(values.sessions))))

for (const path of ['/read', '/write']) {
  const rates = new Map<string, number[]>(NAMES.map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    // Another one begins each round. The first round warms up.
    for (let turn = 0; turn < contestants.length; turn++) {
      const { name, url, cookies } = contestants[(turn + round + 1) % contestants.length]!
      const rate = await requestsPerSecond(url + path, cookies, seconds)
      if (round >= 0) rates.get(name)!.push(rate)
      console.error(`${path} round ${round + 1} of ${rounds}: ${name} ${rate.toFixed(0)}`)
    }
  }
  console.log(`\n${path}, requests per second: median (min–max) of ${rounds} rounds of ${seconds} s`)
  for (const name of NAMES) console.log(`  ${name.padEnd(16)} ${spread(rates.get(name)!, 0)}`)
  for (const [ours, other] of RATIOS) {
    const ratios = rates.get(ours)!.map((rate, i) => rate / rates.get(other)![i]!)
    console.log(`  ${ours} / ${other}: ${spread(ratios, 2)}`)
  }
}
