import { parseArgs, type ParseArgsConfig } from 'node:util'
import { HarnessError } from './result.ts'

/** What `--help` prints. */
export const HELP: string = `Usage: sess-conformance HARNESS [options]

Holds a session store to the contract. HARNESS is a module that exports \`harness\`, or has it as its default export;
one that exports \`serializer\` puts a serializer on trial.

  --report DIR    writes report.json, junit.xml, report.md, report.html and badge.svg
  --case ID       runs one case, or those that a pattern names, as 'clock/*'; repeatable
  --clause NAME   runs the cases of one clause; repeatable
  --seed N        makes the same random choices again; printed with each failure
  --path P        goes straight to a counter-example; printed with it
  --quick         some cases of each clause, with a tenth of the rounds: to work with, no proof
  --bench         measures, once all is green: times, calls and round trips of each operation
  --patience MS   how long one call may take, in ms; cases get more time with it  (15000)
  --list          prints the cases, and what each demands
  --help

Exit code: 0 the store keeps the contract; 1 it fell short; 2 the harness did, or something could not be judged.

Example:
  sess-conformance ./harness.mjs --report out/
`

/** Less was meant as seconds. */
const LEAST_PATIENCE = 1000

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const config = {
  allowPositionals: true,
  options: {
    report: text,
    case: { ...text, multiple: true },
    clause: { ...text, multiple: true },
    seed: text,
    path: text,
    quick: flag,
    bench: flag,
    patience: text,
    list: flag,
    help: { ...flag, short: 'h' },
  },
} as const satisfies ParseArgsConfig

/** What the command line asks for. */
export interface Command {
  readonly does: 'run' | 'help' | 'list'
  /** The module's path. */
  readonly harness: string
  /** A folder. */
  readonly report: string | undefined
  readonly only: readonly string[] | undefined
  readonly seed: number | undefined
  readonly path: string | undefined
  readonly quick: boolean
  readonly bench: boolean
  /** In ms. */
  readonly patience: number | undefined
}

/** Reads the command line. @throws {HarnessError} For what it cannot make out. */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  const does = values.help ? 'help' : values.list ? 'list' : 'run'
  if (does === 'run' && positionals.length !== 1)
    throw new HarnessError('name one module that exports a harness; --help shows how')
  const patience = number(values.patience, 'patience')
  if (patience !== undefined && patience < LEAST_PATIENCE)
    throw new HarnessError(`--patience is in ms, and at least ${LEAST_PATIENCE}; it was given '${values.patience}'`)
  return {
    does,
    harness: positionals[0] ?? '',
    report: values.report,
    only:
      values.case || values.clause
        ? [...(values.case ?? []), ...(values.clause ?? []).map((name) => `${name}/*`)]
        : undefined,
    seed: number(values.seed, 'seed'),
    path: values.path,
    quick: values.quick ?? false,
    bench: values.bench ?? false,
    patience,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ ...config, args: [...args] })
  } catch (cause) {
    throw new HarnessError((cause as Error).message, { cause })
  }
}

/** Not Number(): that takes '' for 0 and '0x10' for 16. */
function number(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,10}$/.test(value)) throw new HarnessError(`--${name} takes a whole number; it was given '${value}'`)
  return Number(value)
}
