/**
 * Runs every case on every mutant, and writes docs/kill-matrix.md.
 *
 * `pnpm --filter @sess/conformance kill-matrix`; takes minutes, and goes on where it was stopped: what is known of a
 * mutant is kept in .cache/kill-matrix by its name and the names of the cases. `--fresh` forgets it: after a mutant or a case
 * has changed, not just come in. With words, only mutants whose kind or name has one of them, and the result on standard output.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { killMatrix, type Row } from './mutants/matrix.ts'
import { removeCopies, trials } from './mutants/trials.ts'

/** Cases that look at the whole process, at time, or limit what is written: they run while nothing else does. */
const ALONE: ReadonlySet<string> = new Set([
  'clock/time-zone',
  'life-cycle/no-timer-is-left',
  'scale/sweep-is-indexed',
  'scale/revoke-is-flat',
  'faults/full-create',
  'faults/full-replace',
  'faults/full-touch',
  'faults/full-delete',
  'faults/full-revocation',
])
const ABREAST = 6
/** Cases that a mutant does not name make fewer rounds. */
const EFFORT = 0.2

const CACHE = new URL('../../.cache/kill-matrix/', import.meta.url)

const words = process.argv.slice(2).filter((word) => word !== '--fresh')
if (process.argv.includes('--fresh')) await rm(CACHE, { recursive: true, force: true })
await mkdir(CACHE, { recursive: true })
const chosen = trials.filter(
  ({ kind, name }) => !words.length || words.some((word) => `${kind} ${name}`.includes(word)),
)
const rows: Row[] = chosen.map((trial) => ({ trial, kills: new Set<string>() }))
const waiting = [...rows]

/** Runs cases on a mutant, unless it is known how they go. */
async function run({ trial, kills }: Row, ids: readonly string[]): Promise<void> {
  const { kind, name, killedBy } = trial
  const key = createHash('sha256')
    .update(JSON.stringify([kind, name]))
    .digest('hex')
    .slice(0, 24)
  const file = new URL(`${key}.json`, CACHE)
  const isKill = new Map(
    await readFile(file, 'utf8').then(
      (text) => JSON.parse(text) as [id: string, isKill: boolean][],
      () => [],
    ),
  )
  for (const id of ids) {
    // What it names is tried with all rounds, and again where it was not known to kill.
    const isNamed = killedBy.includes(id)
    if (!isKill.has(id) || (isNamed && !isKill.get(id)))
      isKill.set(id, (await trial.run(id, isNamed ? 1 : EFFORT)).status === 'fail')
    if (isKill.get(id)) kills.add(id)
  }
  await writeFile(file, JSON.stringify([...isKill]))
}

await Promise.all(
  Array.from({ length: ABREAST }, async () => {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      await run(
        row,
        row.trial.cases.filter((id) => !ALONE.has(id)),
      )
      console.error(
        `${rows.length - waiting.length} of ${rows.length}: ${row.trial.kind}, ${row.trial.name}: ${row.kills.size} kills`,
      )
    }
  }),
)
for (const row of rows)
  await run(
    row,
    row.trial.cases.filter((id) => ALONE.has(id)),
  )
await removeCopies()

const survivors = rows.flatMap(({ trial, kills }) =>
  trial.killedBy.filter((id) => !kills.has(id)).map((id) => `${trial.name}: survives ${id}`),
)
if (words.length) for (const { trial, kills } of rows) console.log(`${trial.name}: ${[...kills].join(', ')}`)
else await writeFile(new URL('../../docs/kill-matrix.md', import.meta.url), killMatrix(rows))
for (const line of survivors) console.error(line)
// Not `exitCode`: some mutants never end.
process.exit(survivors.length ? 1 : 0)
