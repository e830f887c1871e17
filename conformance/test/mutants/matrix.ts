import { createHash } from 'node:crypto'
import { cases, serializerCases } from '../../src/index.ts'
import {
  missed,
  missedAgain,
  missedFifthTime,
  missedFourthTime,
  missedThirdTime,
  type Miss,
} from './from-contract/first-sight.ts'
import type { StoreMutant } from './mutant.ts'
import {
  fromContract,
  fromContractAgain,
  fromContractFifthTime,
  fromContractFourthTime,
  fromContractThirdTime,
  type Trial,
} from './trials.ts'

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
  // One more was missed and is no mutant, one was no fault: see below.
  const visible = fromContractAgain.length + 1
  const killedAgain = fromContractAgain.length - missedAgain.length
  const killedThirdTime = fromContractThirdTime.length - missedThirdTime.length
  const killedFourthTime = fromContractFourthTime.length - missedFourthTime.length
  const killedFifthTime = fromContractFifthTime.length - missedFifthTime.length
  return `## At first sight

Five times thirty stores were broken from the contract alone, with no look at the cases (the first time but for those of scale, models and histories):
ten on each of three stores, of one request a call, of a read before each write over a network, and on SQL.

Of the first thirty, those of the kind “from the contract alone”, the kit, of 271 cases then, killed ${killed} when it first met
them: ${percent(killed, fromContract.length)}. It missed these, and has cases for them since:

${table(missed, fromContract)}

Of the second thirty, “the second time”, one cannot be told from a sound store: it rounds revisions beyond 10¹⁴, and core counts them up from 1. Of the other ${visible} the
kit, of 282 cases then, killed ${killedAgain}: ${percent(killedAgain, visible)}. It missed these, and has cases for all but one of them since:

${table(missedAgain, fromContractAgain)}
| a sweep is a single page | a page may hold 10,000 records; to see more than that in one, a case would have to write tens of thousands | none |

Then cases were written along a grid of every sentence, method and circumstance, and a third thirty were broken without a look at these either, “the third time”.
Of them the kit, of 304 cases then, killed ${killedThirdTime}: ${percent(killedThirdTime, fromContractThirdTime.length)}. It missed these, and has cases for them since:

${table(missedThirdTime, fromContractThirdTime)}

A fourth thirty were broken without a look at these, “the fourth time”. Of them the kit, of 307 cases then, killed ${killedFourthTime}: ${percent(killedFourthTime, fromContractFourthTime.length)}. It missed
these, and has cases for them since:

${table(missedFourthTime, fromContractFourthTime)}

Then a hundred and fifty were broken by five authors to find what cases lack, thirty each; two of the authors had the list of all faults known by then, to write
none of these. Of the first three authors’ ninety the kit of 311 cases killed 74. What no case saw was made a case, and the store that showed it a mutant,
“others”. Two faults have no case: a record cannot end at the last time that a \`Date\` can hold, which no sentence of the contract asks for; and a page that is read ahead fails with nobody to
hear it, which ends a process that does not catch it, and so the kit’s own.

A fifth thirty had been broken beside the first of these, and were kept closed until the cases were written, “the fifth time”. Of them the kit, of 327 cases then, killed ${killedFifthTime}:
${percent(killedFifthTime, fromContractFifthTime.length)}. It missed these, and has cases for them since:

${table(missedFifthTime, fromContractFifthTime)}
`
}

const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`

const table = (
  misses: readonly Miss[],
  mutants: readonly StoreMutant[],
): string => `| fault | why no case saw it | found now by |
| --- | --- | --- |
${misses.map(({ name, reason }) => `| ${name} | ${reason} | ${mutants.find((one) => one.name === name)!.killedBy.join(', ')} |`).join('\n')}`
