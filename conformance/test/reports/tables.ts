import type { Kept } from './compact.ts'
import { FOLDER, FULL, keptOf, stores } from './stores.ts'

const [BEGIN, END] = ['<!-- kit:begin -->', '<!-- kit:end -->']
const COMMAND = 'pnpm --filter @sess/conformance reports'

/** What is the same for all stores: the kit, and what it ran on. */
const SHARED: readonly string[] = ['@sess/conformance', 'node']

/** A table, its columns as wide as the formatter makes them. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const [heading, ...rest] = rows.map(line)
  return [heading, line(widths.map((width) => '-'.repeat(width))), ...rest].join('\n')
}

function versionsOf({ versions }: Kept, chosen: (name: string) => boolean): string {
  return Object.entries(versions)
    .filter(([name]) => chosen(name))
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** `keeps the contract, version 1` */
function verdictOf({ verdict }: Kept): string {
  return verdict.replace(/^.*? (?=keeps|breaks|could not be|passed)/, '').replace(/\.$/, '')
}

/** How long a call may take: on most stores, and on those where that is not enough. */
function patience(): string {
  const usual = Math.min(...stores.map((store) => store.patience))
  const others = stores.filter((store) => store.patience > usual).map((store) => `${store.patience} s on ${store.name}`)
  return [`${usual} s`, ...others].join(', ')
}

/** @param up - From the document to the root. @param reportsAt - From the document to the reports. */
function tableOf(up: string, reportsAt: string): string {
  const reports = stores.flatMap((store) => {
    const kept = keptOf(store)
    return kept ? [{ store, kept }] : []
  })
  const rows = reports.map(({ store, kept }) => [
    `[${store.name}](${up}${store.folder})`,
    `[${verdictOf(kept)}](${reportsAt}${store.name}.md)`,
    kept.counts,
    kept.deviations.join(', ') || 'none',
    versionsOf(kept, (name) => !SHARED.includes(name)),
  ])
  // A store with a runtime of its own names that in its row.
  const onNode = reports.filter(({ store }) => store.runtime === process.execPath)
  const shared = [...new Set(onNode.map(({ kept }) => versionsOf(kept, (name) => SHARED.includes(name))))]
  return [
    table([['store', 'verdict', 'cases', 'deviations', 'versions'], ...rows]),
    '',
    `With ${shared.join('; ')}. \`${COMMAND}\` runs them all, on real servers, and writes`,
    `this anew. A call may take ${patience()}.`,
  ].join('\n')
}

/** The overview beside the reports, as it follows from them. */
export function overview(): string {
  const forms = `The command leaves each run in \`${FULL}\` as well: as a page to look at, with every case's text and time, as JSON, as JUnit, and as a badge.`
  return `# What the kit says of our stores\n\n${tableOf('../../', '')}\n\n${forms}\n`
}

/** A document with the table between its marks as it follows from the reports. @throws {Error} Where it has no such marks. */
export function withTable(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`there is no ${BEGIN} before ${END}`)
  return `${document.slice(0, begin)}${BEGIN}\n\n${tableOf('', `${FOLDER}/`)}\n\n${document.slice(end)}`
}
