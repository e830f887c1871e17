#!/usr/bin/env node
import { relative } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { createStore } from './create-store.ts'
import { InputError } from './input-error.ts'

const HELP = `Usage: npm create @sess/store NAME [-- --folder DIR]

Lays out the package of a session store for @sess, with the conformance kit red: turning it green is the work.

  NAME           of the package: sess-pg, pg-store, @acme/sess-pg
  --folder DIR   where to; it must be empty, or not there       (NAME without its scope)
  --help
`

const config = {
  allowPositionals: true,
  options: { folder: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
} as const satisfies ParseArgsConfig

function parse(args: readonly string[]) {
  try {
    return parseArgs({ ...config, args: [...args] })
  } catch (cause) {
    throw new InputError((cause as Error).message, { cause })
  }
}

function main(): string {
  const { values, positionals } = parse(process.argv.slice(2))
  if (values.help) return HELP
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0) throw new InputError('give one name, of the package; --help shows how')
  const { folder, module, factory } = createStore({
    name,
    ...(values.folder !== undefined && { folder: values.folder }),
  })
  const here = relative('', folder)
  return `${name} is laid out: ${factory}() in ${module}, and what the kit needs to reach it in test/harness.ts.

${here && `  cd ${here}\n`}  npm install
  npm test                  red: five methods are not written yet
  npm run conformance       the same, with more to say; -- --help

The README says what to do, and in which order.
`
}

try {
  process.stdout.write(main())
} catch (error) {
  const known = error instanceof InputError || (error as NodeJS.ErrnoException).code !== undefined
  process.stderr.write(`create-store: ${known ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = 2
}
