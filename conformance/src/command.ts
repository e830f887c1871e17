import { parseArgs, type ParseArgsConfig } from 'node:util'
import { HarnessError } from './result.ts'

/** The text of `--help`. */
export const HELP: string = `Usage: sess-conformance HARNESS [options]

Checks a session store against the contract. HARNESS is a module that exports \`harness\`, or has it as its default export;
a module that exports \`serializer\` puts a serializer on trial.

  --report DIR    writes report.json, junit.xml, report.md, report.html and badge.svg
  --case ID       runs one case, or the cases of a pattern such as 'clock/*'; repeatable
  --clause NAME   runs the cases of one clause; repeatable
  --seed N        repeats the random choices of a run; each failure prints its seed
  --path P        starts at a counter-example; the counter-example prints its path
  --quick         runs some cases of each clause with a tenth of the rounds, which proves nothing
  --bench         measures the time, calls and round trips of each operation, if all cases pass
  --patience MS   sets the longest time of one call, in ms; cases get more time in proportion  (15000)
  --list          prints the cases and their rules
  --help          prints this text

Exit code: 0 the store keeps the contract; 1 the store breaks it; 2 the harness has an error, or a case could not be judged.

Example:
  sess-conformance ./harness.mjs --report out/
`

/** The least value of --patience, in ms: a smaller number was probably meant as seconds. */
const LEAST_PATIENCE_MS = 1000

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

/** A command line. */
export interface Command {
  readonly does: 'run' | 'help' | 'list'
  /** The path of the module. */
  readonly harness: string
  /** The folder for the reports. */
  readonly report: string | undefined
  readonly only: readonly string[] | undefined
  readonly seed: number | undefined
  readonly path: string | undefined
  readonly quick: boolean
  readonly bench: boolean
  /** The longest time of one call, in ms. */
  readonly patience: number | undefined
}

/** Reads the command line. @throws {HarnessError} For an unknown option, a wrong value, or no module. */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  const does = values.help ? 'help' : values.list ? 'list' : 'run'
  if (does === 'run' && positionals.length !== 1)
    throw new HarnessError('name one module that exports a harness; --help shows how')
  const patience = number(values.patience, 'patience')
  if (patience !== undefined && patience < LEAST_PATIENCE_MS)
    throw new HarnessError(`--patience takes at least ${LEAST_PATIENCE_MS} ms; it was given '${values.patience}'`)
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

/** Reads a whole number. `Number()` would read '' as 0 and '0x10' as 16. */
function number(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,10}$/.test(value)) throw new HarnessError(`--${name} takes a whole number; it was given '${value}'`)
  return Number(value)
}
