import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'

const FOLDER = 'docs/decisions'
const INDEX = `${FOLDER}/README.md`

/** A row of the index: `| [0001](0001-name.md) | Title | current |`. */
interface Row {
  readonly number: string
  readonly file: string
  readonly title: string
  readonly status: string
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** A link to a decision: its number and its file. */
const LINK = /\[(\d{4})\]\(((\d{4})-[\w-]+\.md)\)/g

function rowsOf(index: string): Row[] {
  return [...index.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) *\| (.*?) *\| (.*?) *\|$/gm)].map(
    ([, number = '', file = '', title = '', status = '']) => ({ number, file, title, status }),
  )
}

/** The status of a decision, from the sentences under its title. */
function statusOf(text: string): string {
  const [, whole] = /^Replaced by (\[\d{4}\]\([^)]+\))/m.exec(text) ?? []
  if (whole !== undefined) return `replaced by ${whole}`
  const parts = [...text.matchAll(/^Replaced in part by (\[\d{4}\]\([^)]+\))/gm)].map(([, link]) => link)
  return parts.length > 0 ? `in part replaced by ${parts.join(', ')}` : 'current'
}

/** The problems of the index of decisions: missing rows, and rows that disagree with their decision. */
export function problemsOfDecisions(): string[] {
  const files = globSync('[0-9]*.md', { cwd: join(root, FOLDER) }).toSorted()
  const rows = rowsOf(read(INDEX))
  const problems: string[] = []
  for (const file of files) {
    const text = read(`${FOLDER}/${file}`)
    const [, number = '', title = ''] = /^# (\d{4}): (.+)\n/.exec(text) ?? []
    if (!file.startsWith(`${number}-`))
      problems.push(`${FOLDER}/${file} must begin with "# ${file.slice(0, 4)}: " and a title`)
    const mine = rows.filter((row) => row.file === file)
    const status = statusOf(text)
    const wanted = `| [${number}](${file}) | ${title} | ${status} |`
    if (mine.length !== 1) problems.push(`${INDEX} must have one row for ${file}, and has ${mine.length}: ${wanted}`)
    else if (mine[0]!.number !== number || mine[0]!.title !== title || mine[0]!.status !== status)
      problems.push(`${INDEX} and ${file} disagree; the row should be ${wanted}`)
    for (const [link, label, target = '', prefix] of text.matchAll(LINK))
      if (label !== prefix || !files.includes(target)) problems.push(`${FOLDER}/${file}: ${link} leads to no decision`)
  }
  const numbers = files.map((file) => file.slice(0, 4))
  for (const number of new Set(numbers.filter((each, i) => numbers.indexOf(each) !== i)))
    problems.push(`${FOLDER} has two decisions ${number}: give the later of them another number`)
  for (const { file } of rows) if (!files.includes(file)) problems.push(`${INDEX} names ${file}, which is not there`)
  return problems
}
