/** Puts stores from outside on trial and writes docs/outside-stores.md: `pnpm --filter @sess/conformance outside-stores`. */
import { writeFile } from 'node:fs/promises'
import { runSuite } from '../../src/suite.ts'
import type { CaseReport } from '../../src/report/report.ts'
import { harness as keyv } from './keyv.ts'
import { harness as memorystore } from './memorystore.ts'

/** Failures that are shown with the calls that led there. */
const SHOWN = 4

const cell = (text: string): string =>
  text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('|', String.raw`\|`)
    .replaceAll('<', '&lt;')

/** What was expected and what came, on one line. */
const why = ({ failure }: CaseReport): string =>
  cell(
    failure!.message
      .replace(/^Expected values to be strictly (?:deep-)?equal:\s*/, '')
      .replaceAll(/\s+/g, ' ')
      .slice(0, 140)
      .trim(),
  )

function counterExample({ id, text, failure }: CaseReport): string {
  const steps = failure!.steps.slice(-8)
  return `**${id}**: ${text}

\`\`\`text
${failure!.message.split('\n').slice(0, 16).join('\n')}
\`\`\`

| who | call | answer |
| --- | --- | --- |
${steps.map(({ client, call, answer }) => `| ${client} | ${cell(call)} | ${cell(answer ?? 'never ended')} |`).join('\n')}`
}

const parts: string[] = []
for (const harness of [memorystore, keyv]) {
  const { name, cases } = await runSuite(harness, { seed: 1, patience: 5000 })
  const failed = cases.filter(({ status }) => status === 'fail')
  const races = failed.filter(({ id }) => /^(races|rotation-login)\//.test(id))
  parts.push(`## ${name}

${failed.length} of ${cases.length} cases fail, ${cases.filter(({ status }) => status === 'pass').length} pass, ${cases.filter(({ status }) => status === 'not-applicable').length} do not apply.

| case | the rule that is broken | what was seen |
| --- | --- | --- |
${failed.map((report) => `| ${report.id} | ${cell(report.text)} | ${why(report)} |`).join('\n')}

${(races.length ? races : failed).slice(0, SHOWN).map(counterExample).join('\n\n')}
`)
}

await writeFile(
  new URL('../../../docs/outside-stores.md', import.meta.url),
  `# Stores from outside, on trial

What the conformance kit finds in two libraries from npm, each wrapped as a session store in some sixty lines
(\`conformance/test/outside\`), as they are: [memorystore](https://www.npmjs.com/package/memorystore), which saves as
express-session does, without looking; and [keyv](https://www.npmjs.com/package/keyv), with every look before a write that its
interface allows. Neither was made for this contract, and neither is at fault: the contract asks for what their interfaces
cannot say.

Written by \`pnpm --filter @sess/conformance outside-stores\`.

${parts.join('\n')}`,
)
process.exit()
