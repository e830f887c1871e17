import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { badge } from './badge.ts'
import { htmlReport } from './html.ts'
import { junitReport } from './junit.ts'
import { markdownReport } from './markdown.ts'
import type { Report } from './report.ts'

/** Writes a report in every format into a folder. It makes the folder if it does not exist. */
export function writeReports(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  write('report.json', `${JSON.stringify(report, undefined, 2)}\n`)
  write('junit.xml', junitReport(report))
  write('report.md', markdownReport(report))
  write('report.html', htmlReport(report))
  write('badge.svg', badge(report))
}
