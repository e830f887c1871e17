// The full run: `node packages/express/test/differential/report.ts [--runs N] [--seed N]`. Prints the table, and what was
// reached less than 50 times.
import { parseArgs } from 'node:util'
import { PROMISES } from './promises.ts'
import { compare } from './run.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
})
const started = performance.now()
const reached = await compare(Number(values.seed), Number(values.runs))
console.log(String(reached))
const rare = PROMISES.filter(({ row }) => reached.least(row) < 50)
for (const { row } of rare) console.log(`reached less than 50 times: ${row} (${reached.least(row)})`)
console.log(
  `${reached.programs} programs, 0 differences (${reached.endless} more end on neither side), ${((performance.now() - started) / 1000).toFixed(0)} s`,
)
if (rare.length) process.exitCode = 1
