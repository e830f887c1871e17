#!/usr/bin/env node
import { relative } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { createStore } from './create-store.ts'
import { InputError } from './input-error.ts'

const HELP = `Usage: npm create @sess/store NAME [-- --folder DIR]

Creates a package for a session store of @sess, in which the conformance kit is set up and fails until you write the store.

  NAME           the name of the package: sess-pg, pg-store, @acme/sess-pg
  --folder DIR   the new folder; it must be empty, or not exist (NAME without its scope)
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
  if (name === undefined || others.length > 0) throw new InputError('give one name for the package; --help shows how')
  const { folder, module, factory } = createStore({
    name,
    ...(values.folder !== undefined && { folder: values.folder }),
  })
  const here = relative('', folder)
  return `${name} is created. Write ${factory}() in ${module}; the harness of the kit is test/harness.ts.

${here && `  cd ${here}\n`}  npm install
  npm test                  fails: five methods are not written yet
  npm run conformance       the same, with more output; -- --help

The README lists the next steps in their order.
`
}

try {
  process.stdout.write(main())
} catch (error) {
  const known = error instanceof InputError || (error as NodeJS.ErrnoException).code !== undefined
  process.stderr.write(`create-store: ${known ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = 2
}
