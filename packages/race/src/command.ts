import { parseArgs, type ParseArgsConfig } from 'node:util'
import { RACES, type RaceName, type RaceOptions } from './options.ts'
import { SetupError } from './setup-error.ts'

/** The output of `--help`. */
export const HELP: string = `Usage: sess-race URL… --write REQUEST --write REQUEST --read REQUEST [options]

Tests a web app's sessions for race conditions: which writes were lost, which sessions came back, which cookies were adopted.
Give the URLs of several processes of one app. A REQUEST is [METHOD ]PATH[ BODY]; {value}, {user}, {key}, {csrf} and
{cookie:NAME} in it are replaced.

  --write REQUEST      stores something in the session; at least two, under different keys, or one with {key}
  --read REQUEST       shows what the session holds
  --login REQUEST      signs in
  --logout REQUEST     ends the session
  --whoami REQUEST     shows who is signed in                                        (as --read)
  --open REQUEST       gives an anonymous session, where a write cannot              (--csrf, else --read)
  --in-flight REQUEST  the request in flight during a login or logout                (the first write)
  --signed-in TEXT     the text that --whoami shows to a signed-in browser only      ({user})
  --proof TEXT         the text that --read shows if a write survived; per write     ({value})
  --csrf REQUEST       a page with a CSRF token
  --csrf-pattern RE    its first group captures the token                            (common form fields)
  --header 'N: V'      sent with every request; repeatable
  --cookie NAME        a cookie that the session depends on; repeatable              (detected)
  --only RACE          ${`${RACES.join(', ')}; repeatable`.padEnd(59)}(all)
  --trials N           trials of each race                                           (100)
  --concurrency N      trials at the same time                                       (4)
  --timeout MS         the longest that one request may take                         (10000)
  --max-time S         the longest that the run may take                             (3 a trial, at least 300)
  --json FILE          writes the result; - is standard output
  --html FILE          writes a page with timelines
  --allow-remote       allows servers that are not on this machine
  --help

Exit code: 0 nothing was found; 1 something was lost, resurrected or adopted; 2 the run could not be judged.

Example:
  sess-race http://localhost:3001 http://localhost:3002 --login 'POST /login user={user}&password=secret' \\
    --write 'POST /set key=a&value={value}' --write 'POST /set key=b&value={value}' --read 'GET /get' \\
    --logout 'POST /logout'
`

const text = { type: 'string' } as const
const texts = { type: 'string', multiple: true } as const
const flag = { type: 'boolean' } as const

const config = {
  allowPositionals: true,
  options: {
    write: texts,
    read: text,
    login: text,
    logout: text,
    whoami: text,
    open: text,
    'in-flight': text,
    'signed-in': text,
    proof: texts,
    csrf: text,
    'csrf-pattern': text,
    header: texts,
    cookie: texts,
    only: texts,
    trials: text,
    concurrency: text,
    timeout: text,
    'max-time': text,
    json: text,
    html: text,
    'allow-remote': flag,
    help: { ...flag, short: 'h' },
  },
} as const satisfies ParseArgsConfig

/** The parsed command line. */
export interface Command {
  readonly help: boolean
  readonly race: RaceOptions
  /** A file, or `-`. */
  readonly json: string | undefined
  readonly html: string | undefined
}

const bad = (message: string, cause?: unknown): SetupError => new SetupError('bad_option', message, { cause })

function parse(args: readonly string[]) {
  try {
    return parseArgs({ ...config, args: [...args] })
  } catch (cause) {
    throw bad((cause as Error).message, cause)
  }
}

/** Parses a whole number. Not Number(), which parses '' as 0 and '0x10' as 16. */
function number(value: string | undefined, name: string, factor = 1): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d+$/.test(value)) throw bad(`--${name} takes a whole number; it was given '${value}'`)
  return Number(value) * factor
}

function headers(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line) ?? []
      if (name === undefined || value === undefined) throw bad(`--header takes 'Name: value'; it was given '${line}'`)
      if (/^(cookie|host|content-length)$/i.test(name))
        throw bad(`--header cannot set ${name}: the tool sets it itself`)
      return [name, value]
    }),
  )
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch (cause) {
    throw bad(`--csrf-pattern: ${(cause as Error).message}`, cause)
  }
}

/** Removes undefined options, so that defaults apply. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}

/** Reads the command line. @throws {SetupError} `bad_option`. */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (!values.help && values.read === undefined)
    throw bad('Say with --read which page shows what the session holds; --help shows all options')
  return {
    help: values.help ?? false,
    json: values.json,
    html: values.html,
    race: {
      servers: positionals,
      writes: values.write ?? [],
      read: values.read ?? '',
      ...given({
        login: values.login,
        logout: values.logout,
        whoami: values.whoami,
        open: values.open,
        inFlight: values['in-flight'],
        signedIn: values['signed-in'],
        proofs: values.proof,
        csrf: values.csrf,
        csrfPattern: values['csrf-pattern'] === undefined ? undefined : pattern(values['csrf-pattern']),
        headers: values.header && headers(values.header),
        cookies: values.cookie,
        only: values.only as RaceName[] | undefined,
        trials: number(values.trials, 'trials'),
        concurrency: number(values.concurrency, 'concurrency'),
        timeoutMs: number(values.timeout, 'timeout'),
        maxTimeMs: number(values['max-time'], 'max-time', 1000),
        allowRemote: values['allow-remote'],
      }),
    },
  }
}
