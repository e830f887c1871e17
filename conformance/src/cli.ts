#!/usr/bin/env node
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Serializer } from '@sess/core'
import { bench } from './bench.ts'
import { cases } from './cases/all.ts'
import { serializerCases } from './cases/serialization/serialization.ts'
import { HELP, readCommand, type Command } from './command.ts'
import type { Harness } from './contract.ts'
import { Progress } from './progress.ts'
import { QUICK_EFFORT, quickCases } from './quick.ts'
import { EXIT, messageOf, type Report } from './report/report.ts'
import { textReport } from './report/text.ts'
import { writeReports } from './report/write.ts'
import { CALL_PATIENCE } from './run.ts'
import { runSerializerSuite, runSuite, type SuiteOptions } from './suite.ts'
import { within } from './deadline.ts'

/** The exports of a module that the kit can put on trial. */
interface Subject {
  readonly harness?: Harness
  readonly default?: Harness
  readonly serializer?: Serializer
}

function list(): string {
  return [...cases, ...serializerCases].map(({ id, text }) => `${id}\n    ${text}\n`).join('')
}

async function subjectOf(path: string, patience: number): Promise<Subject> {
  return within(
    import(pathToFileURL(resolve(path)).href) as Promise<Subject>,
    patience,
    `importing ${path}: an await at its top level`,
  )
}

async function run(command: Command, progress: Progress): Promise<Report> {
  const { seed, path, only, quick, patience = CALL_PATIENCE } = command
  const options: SuiteOptions = {
    patience,
    effort: quick ? QUICK_EFFORT : 1,
    ...(seed !== undefined && { seed }),
    ...(path !== undefined && { path }),
    ...(only && { only }),
    onStart: (id, index, of) => progress.start(id, index, of),
    onEnd: (report) => progress.end(report),
  }
  const { serializer, ...module } = await subjectOf(command.harness, patience)
  if (serializer) return runSerializerSuite(serializer, options)
  const harness = module.harness ?? module.default
  const report = await runSuite(harness as Harness, { ...options, ...(quick && !only && { only: quickCases }) })
  progress.done()
  if (!command.bench || report.verdict !== 'pass') return report
  progress.say('measuring')
  return { ...report, bench: await bench(harness!, patience) }
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2))
  if (command.does !== 'run') {
    process.stdout.write(command.does === 'help' ? HELP : list())
    return 0
  }
  const progress = new Progress(process.stdout)
  const report = await run(command, progress)
  progress.done()
  if (command.report !== undefined) writeReports(command.report, report)
  process.stdout.write(textReport(report))
  return EXIT[report.verdict]
}

/** Ends the process, even if the store or the harness has left something open: the cases check for open handles. */
function end(code: number): void {
  process.stdout.write('', () => process.exit(code))
}

main().then(end, (error: unknown) => {
  process.stderr.write(`sess-conformance: ${messageOf(error)}\n`)
  end(2)
})
