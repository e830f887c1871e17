#!/usr/bin/env node
import { writeFileSync } from 'node:fs'
import { HELP, readCommand, type Command } from './command.ts'
import { htmlReport } from './html-report.ts'
import type { Progress } from './options.ts'
import { race } from './race.ts'
import type { RaceResult } from './result.ts'
import { SetupError } from './setup-error.ts'
import { textReport } from './text-report.ts'

const EXIT = { clean: 0, found: 1, 'not judged': 2 } as const

/** Shows the progress on a terminal, in one line that is overwritten. */
function showProgress(progress: Progress): void {
  const line =
    progress.phase === 'control'
      ? 'first, with nothing in flight'
      : `${progress.race}  ${progress.done} of ${progress.of}${progress.found > 0 ? `, ${progress.found} found something` : ''}`
  process.stderr.write(`\r\u001B[K${line}`)
}

function write({ json, html }: Command, result: RaceResult): void {
  if (html !== undefined) writeFileSync(html, htmlReport(result))
  const text = `${JSON.stringify(result, undefined, 2)}\n`
  if (json === '-') process.stdout.write(text)
  else if (json !== undefined) writeFileSync(json, text)
  const table = json === '-' ? process.stderr : process.stdout
  table.write(`${textReport(result)}\n`)
}

async function main(): Promise<number> {
  const command = readCommand(process.argv.slice(2))
  if (command.help) {
    process.stdout.write(HELP)
    return 0
  }
  // The first ctrl-C stops and reports what is known; the next one kills.
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const watched = process.stderr.isTTY
  try {
    const result = await race({
      ...command.race,
      signal: stop.signal,
      ...(watched && { onProgress: showProgress }),
    })
    if (watched) process.stderr.write('\r\u001B[K')
    write(command, result)
    return EXIT[result.verdict]
  } catch (error) {
    if (watched) process.stderr.write('\r\u001B[K')
    throw error
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  const known = error instanceof SetupError || (error as NodeJS.ErrnoException).code !== undefined
  process.stderr.write(`sess-race: ${known ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = 2
}
