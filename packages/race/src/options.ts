import { fillText, hasPlaceholder, parseRequest, type RequestTemplate } from './request.ts'
import { SetupError } from './setup-error.ts'

/** The races, in the order in which they are run. */
export const RACES = ['writes', 'logout', 'login', 'fixation', 'adoption'] as const

/** The name of a race. */
export type RaceName = (typeof RACES)[number]

/** The progress of a run. */
export type Progress =
  | { readonly phase: 'control' }
  | {
      readonly phase: 'race'
      readonly race: RaceName
      readonly done: number
      readonly of: number
      /** Trials that found something. */
      readonly found: number
    }

/**
 * Options of {@link race}. A request is text: `[METHOD ]PATH[ BODY]`. The README of the package describes the placeholders `{value}`,
 * `{user}`, `{key}`, `{csrf}` and `{cookie:NAME}`.
 */
export interface RaceOptions {
  /** The base URLs of the app's processes. The first is the origin for the cookies. */
  readonly servers: readonly string[]
  /** Requests that store something in the session, under different keys: two or more, or one with `{key}`. */
  readonly writes: readonly string[]
  /** A request that shows what the session holds. */
  readonly read: string
  /** A request that signs in. Without it, sessions are anonymous. */
  readonly login?: string
  /** A request that ends the session. */
  readonly logout?: string
  /** A request that shows who is signed in. Default: `read`. */
  readonly whoami?: string
  /** A request that gives a browser an anonymous session, if a write cannot. Default: `csrf`, or `read`. */
  readonly open?: string
  /** The request in flight during a login or a logout. Default: the first write. */
  readonly inFlight?: string
  /** The text that `whoami` shows to a signed-in browser only. Default: `{user}`. */
  readonly signedIn?: string
  /** For each write, the text that `read` shows if the write survived. Default: `{value}` for each. */
  readonly proofs?: readonly string[]
  /** A request for a page with a CSRF token. */
  readonly csrf?: string
  /** A pattern whose first group captures the token. Default: the usual hidden fields and meta tags. */
  readonly csrfPattern?: RegExp
  /** Header fields of every request; the values may contain `{csrf}` and `{cookie:NAME}`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The names of the cookies that the session depends on. Default: detected. */
  readonly cookies?: readonly string[]
  /** The races to run. Default: all that the requests allow. */
  readonly only?: readonly RaceName[]
  /** How many trials each race has, 1 to 100,000. Default: 100. */
  readonly trials?: number
  /** How many trials run at the same time, 1 to 64. Default: 4. */
  readonly concurrency?: number
  /** The longest that one request may take, in ms. Default: 10,000. */
  readonly timeoutMs?: number
  /** The longest that the run may take, in ms. Default: 3,000 per trial; at least 300,000, at most 86,400,000 (a day). */
  readonly maxTimeMs?: number
  /** Allows servers that are not on this machine. Default: false. */
  readonly allowRemote?: boolean
  /** Stops the run. The result has the trials until then. */
  readonly signal?: AbortSignal
  /** Called when the progress changes. */
  readonly onProgress?: (progress: Progress) => void
}

/** A write, and the text that shows that it survived. */
export interface WriteTemplate {
  readonly request: RequestTemplate
  readonly key: string
  /** The text, with its placeholders; undefined: no text shows it. */
  readonly proof: string | undefined
}

/** The options, checked and complete. */
export interface Settings {
  readonly servers: readonly URL[]
  readonly writes: readonly WriteTemplate[]
  readonly inFlight: WriteTemplate
  readonly read: RequestTemplate
  readonly whoami: RequestTemplate
  readonly open: RequestTemplate
  readonly login: RequestTemplate | undefined
  readonly logout: RequestTemplate | undefined
  readonly signedIn: string
  readonly csrf: RequestTemplate | undefined
  readonly csrfPattern: RegExp
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[] | undefined
  readonly only: readonly RaceName[]
  readonly trials: number
  readonly concurrency: number
  readonly timeoutMs: number
  readonly maxTimeMs: number
  readonly allowRemote: boolean
}

const DAY_MS = 86_400_000
/** A trial of each race has about thirty requests, and four trials run at the same time, so a request may take 0.4 s on average. */
const MS_PER_TRIAL = 3000

const bad = (message: string): SetupError => new SetupError('bad_option', message)

const COMMON_CSRF =
  /<(?:input|meta)\b(?=[^>]*\bname=["']?(?:_?csrf(?:[_-]?token)?|csrfmiddlewaretoken|authenticity_token|_token|__RequestVerificationToken)["'\s>])[^>]*\b(?:value|content)=["']([^"']+)["']/i

function serverUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    throw bad(`'${text}' is not the address of a server; give one such as http://localhost:3000`)
  return url
}

function whole(value: number | undefined, standard: number, name: string, most: number): number {
  const number = value ?? standard
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw bad(`${name} takes a whole number from 1 to ${most}; it was given ${String(number)}`)
  return number
}

const holdsValue = ({ path, body }: RequestTemplate): boolean =>
  hasPlaceholder(path, 'value') || hasPlaceholder(body, 'value')

/** Parses a write. If it does not say what to store, it gets the body `value={value}`. */
function writeTemplate(text: string, index: number, proof: string | undefined): WriteTemplate {
  const plain = parseRequest(text, '--write', 'POST')
  const says = holdsValue(plain) || proof !== undefined || plain.body !== undefined || plain.method === 'GET'
  const request = says ? plain : parseRequest(`${text} value={value}`, '--write', 'POST')
  return {
    request,
    key: String.fromCodePoint(97 + index),
    proof: proof ?? (holdsValue(request) ? '{value}' : undefined),
  }
}

function inFlightTemplate(text: string): WriteTemplate {
  const request = parseRequest(text, '--in-flight', 'POST')
  return { request, key: 'a', proof: holdsValue(request) ? '{value}' : undefined }
}

function writesOf({ writes, proofs }: RaceOptions): WriteTemplate[] {
  const texts = writes.length === 1 && hasPlaceholder(writes[0], 'key') ? [writes[0]!, writes[0]!] : writes
  if (texts.length < 2) throw bad('Give --write at least twice, with different keys, or once with {key}')
  if (texts.length > 26) throw bad('Give --write at most 26 times')
  if (proofs && proofs.length !== texts.length)
    throw bad(`Give --proof once for each write: there are ${texts.length} writes and ${proofs.length} proofs`)
  const templates = texts.map((text, index) => writeTemplate(text, index, proofs?.[index]))
  const blind = templates.find(({ proof }) => proof === undefined || proof === '')
  if (blind)
    throw bad(
      `No text would show that '${blind.request.label}' survived: put {value} into it, or give with --proof the text that --read shows then`,
    )
  const repeated = proofs?.find((proof, index) => !hasPlaceholder(proof, 'value') && proofs.indexOf(proof) !== index)
  if (repeated !== undefined) throw bad(`Two writes cannot share the proof '${repeated}'`)
  return templates
}

function readRequests(options: RaceOptions): Pick<Settings, 'read' | 'whoami' | 'open' | 'csrf'> {
  const read = parseRequest(options.read, '--read', 'GET')
  const csrf = options.csrf === undefined ? undefined : parseRequest(options.csrf, '--csrf', 'GET')
  return {
    read,
    csrf,
    whoami: options.whoami === undefined ? read : parseRequest(options.whoami, '--whoami', 'GET'),
    open: options.open === undefined ? (csrf ?? read) : parseRequest(options.open, '--open', 'GET'),
  }
}

const NAMES: Readonly<Record<keyof RaceOptions, true>> = {
  servers: true,
  writes: true,
  read: true,
  login: true,
  logout: true,
  whoami: true,
  open: true,
  inFlight: true,
  signedIn: true,
  proofs: true,
  csrf: true,
  csrfPattern: true,
  headers: true,
  cookies: true,
  only: true,
  trials: true,
  concurrency: true,
  timeoutMs: true,
  maxTimeMs: true,
  allowRemote: true,
  signal: true,
  onProgress: true,
}

/** Checks the options. @throws {SetupError} `bad_option`. */
export function settingsOf(options: RaceOptions): Settings {
  for (const name of Object.keys(options ?? {}))
    if (!Object.hasOwn(NAMES, name))
      throw bad(`${name} is no option of race(); there are ${Object.keys(NAMES).join(', ')}`)
  for (const name of ['servers', 'writes'] as const)
    if (!Array.isArray(options?.[name]))
      throw bad(`${name} must be a list, and is not: race({ servers, writes, read })`)
  if (typeof options.read !== 'string') throw bad("read must be text, such as '/cart', and is not")
  if (options.servers.length === 0) throw bad('Give the address of a server, such as http://localhost:3000')
  const writes = writesOf(options)
  const login = options.login === undefined ? undefined : parseRequest(options.login, '--login', 'POST')
  if (login && options.signedIn === undefined && !hasPlaceholder(options.login, 'user'))
    throw bad(
      '--login has no {user}, so the tool cannot recognise a signed-in browser: put {user} in place of the name, or give with --signed-in the text that --whoami shows then',
    )
  const only = options.only ?? RACES
  const unknown = only.find((name) => !RACES.includes(name))
  if (unknown !== undefined) throw bad(`There is no race '${unknown}'; there are ${RACES.join(', ')}`)
  const needsCsrf = [options.login, options.logout, options.inFlight, ...options.writes]
    .concat(Object.values(options.headers ?? {}))
    .some((text) => hasPlaceholder(text, 'csrf'))
  if (needsCsrf && options.csrf === undefined) throw bad('{csrf} is used; give the page with the token with --csrf')
  const trials = whole(options.trials, 100, '--trials', 100_000)
  const longest = Math.min(Math.max(100, trials) * MS_PER_TRIAL, DAY_MS)
  return {
    ...readRequests(options),
    servers: options.servers.map(serverUrl),
    writes,
    inFlight: options.inFlight === undefined ? writes[0]! : inFlightTemplate(options.inFlight),
    login,
    logout: options.logout === undefined ? undefined : parseRequest(options.logout, '--logout', 'POST'),
    signedIn: options.signedIn ?? '{user}',
    csrfPattern: options.csrfPattern ?? COMMON_CSRF,
    headers: Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    cookies: options.cookies?.length ? options.cookies : undefined,
    only,
    trials,
    concurrency: whole(options.concurrency, 4, '--concurrency', 64),
    timeoutMs: whole(options.timeoutMs, 10_000, '--timeout', 600_000),
    maxTimeMs: whole(options.maxTimeMs, longest, '--max-time (in ms)', DAY_MS),
    allowRemote: options.allowRemote ?? false,
  }
}

/** The text that shows that a write with this value survived. */
export const proofOf = (write: WriteTemplate, value: string): string | undefined =>
  write.proof === undefined ? undefined : fillText(write.proof, { value, key: write.key })
