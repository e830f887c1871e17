import { createHash } from 'node:crypto'
import { cases, serializerCases } from '../../src/index.ts'
import { missed } from './from-contract/first-sight.ts'
import { fromContract, type Trial } from './trials.ts'

/** A mutant, and the cases that failed on it. */
export interface Row {
  readonly trial: Trial
  readonly kills: Set<string>
}

const ALL = [...cases, ...serializerCases]

/** Names a list of mutants and of cases: the document of another list is out of date. */
export function edition(trials: readonly Trial[]): string {
  const names = [trials.map(({ kind, name, killedBy }) => [kind, name, killedBy]), ALL.map(({ id }) => id)]
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 16)
}

/** The kill matrix as Markdown. */
export function killMatrix(rows: readonly Row[]): string {
  const killers = (id: string): readonly Row[] => rows.filter(({ kills }) => kills.has(id))
  const named = rows.flatMap(({ trial, kills }) => trial.killedBy.map((id) => kills.has(id)))
  const alone = ALL.filter(({ id }) => killers(id).length === 0)
  return `# The kill matrix

${rows.length} mutants, each sound but for one fault, and the ${ALL.length} cases of the kit. A case *kills* a mutant by failing on it. Each
mutant names the cases that must kill it; the kit's tests see that they do, and that each case is named by one.
Made by \`pnpm --filter @sess/conformance kill-matrix\`, edition \`${edition(rows.map(({ trial }) => trial))}\`.

| | |
| --- | --- |
| mutants killed by all cases that they name | ${rows.filter(({ trial, kills }) => trial.killedBy.length && trial.killedBy.every((id) => kills.has(id))).length} of ${rows.length} |
| named kills that hold | ${named.filter(Boolean).length} of ${named.length} |
| cases that kill a mutant | ${ALL.length - alone.length} of ${ALL.length} |

## Mutants

The cases that a mutant names, and how many more kill it. Behind a fault, where it is written down, the habit by which an author
gets it.

| | kind | fault | killed by |
| --: | --- | --- | --- |
${rows
  .map(
    ({ trial: { kind, name, habit, killedBy }, kills }, i) =>
      `| ${i + 1} | ${kind} | ${name}${habit === undefined ? '' : `; from: ${habit.replaceAll('|', String.raw`\|`)}`} | ${killedBy.map((id) => (kills.has(id) ? id : `**not ${id}**`)).join(', ')}${kills.size > killedBy.length ? ` and ${kills.size - killedBy.length} more` : ''} |`,
  )
  .join('\n')}

${firstSight()}
## Cases

| | case | the rule | mutants killed |
| --: | --- | --- | --: |
${ALL.map(({ id, text }, i) => `| ${i + 1} | ${id} | ${text.replaceAll('|', String.raw`\|`)} | ${killers(id).length} |`).join('\n')}

## The matrix

A line for each mutant, a column for each case, both in the order above: \`#\` is a kill that the mutant names, \`x\` another
one, \`.\` none, and a space stands where the case is not about the kind of mutant.

\`\`\`text
${rows
  .map(({ trial, kills }, i) =>
    `${String(i + 1).padStart(3)} ${ALL.map(({ id }) => (kills.has(id) ? (trial.killedBy.includes(id) ? '#' : 'x') : trial.cases.includes(id) ? '.' : ' ')).join('')}`.trimEnd(),
  )
  .join('\n')}
\`\`\`
`
}

/** How the kit did when it first met stores that were broken from the contract alone. */
function firstSight(): string {
  const killed = fromContract.length - missed.length
  return `## At first sight

${fromContract.length} of the mutants, those of the kind “from the contract alone”, were written from the contract alone, with no look at the cases but those of scale, models and histories:
ten on each of three stores, of one request a call, of a read before each write over a network, and on SQL. Of these the kit, of
271 cases then, killed ${killed} when it first met them: ${Math.round((100 * killed) / fromContract.length)} %. It missed these, and has cases for them since:

| fault | why no case saw it | found now by |
| --- | --- | --- |
${missed
  .map(
    ({ name, reason }) =>
      `| ${name} | ${reason} | ${fromContract.find((one) => one.name === name)!.killedBy.join(', ')} |`,
  )
  .join('\n')}
`
}
