import { SessError } from '@sess/core'
import { checkOptions, type OptionNames } from '@sess/core/binding'

/** Options of the session cookie. It is always HttpOnly, and how long it lives is the session's affair. */
export interface CookieOptions {
  /** Default: `__Host-sid`; `sid` where `secure` is off, `domain` is set, or `path` is not `'/'`. */
  readonly name?: string
  /** Only over https (and, in most browsers, to localhost). Default: true. */
  readonly secure?: boolean
  /** When other sites' pages may cause it to be sent. `'none'` needs `secure`. Default: `'lax'`. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Sent to this path and below. Default: `'/'`. */
  readonly path?: string
  /** Sent to this domain and all below, such as `'example.com'`. Default: to the host that set it, alone. */
  readonly domain?: string
  /** One jar for each site that embeds this one (CHIPS); needs `secure`. Default: false. */
  readonly partitioned?: boolean
}

/** Options with their defaults, checked. */
export interface CookieAttributes {
  readonly name: string
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly path: string
  readonly domain?: string
  readonly partitioned?: true
}

/** All options of a cookie. */
export const COOKIE_OPTIONS: OptionNames<CookieOptions> = {
  name: true,
  secure: true,
  sameSite: true,
  path: true,
  domain: true,
  partitioned: true,
}

/** Options that cookies have elsewhere, and what to do instead. */
export const COOKIE_HINTS: Readonly<Record<string, string>> = {
  httpOnly: 'it is always on; leave it out',
  maxAge: 'it is the time left to the session; set absoluteTimeout and persistent in createSessions()',
  expires: 'it is the time left to the session; set absoluteTimeout and persistent in createSessions()',
  persistent: 'it is an option of createSessions() and of login()',
  cookie: 'the options of the cookie are here themselves, as in { sameSite, secure }',
}

const LABEL = '[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?'
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`, 'i')

/** @throws {SessError} `invalid_option`, naming the option. */
export function attributesOf(options: CookieOptions = {}): CookieAttributes {
  checkOptions(options, 'the cookie', COOKIE_OPTIONS, COOKIE_HINTS)
  const { secure = true, sameSite = 'lax', path, domain, partitioned = false } = options
  refuse(typeof secure !== 'boolean', 'secure', 'must be true or false')
  refuse(typeof partitioned !== 'boolean', 'partitioned', 'must be true or false')
  const { name = secure && (path ?? '/') === '/' && domain === undefined ? '__Host-sid' : 'sid' } = options
  // RFC 6265, section 4.1.1: a token; and the characters of a path. Browsers refuse attributes past 1,024 bytes.
  refuse(!/^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name), 'name', "must be a token: letters, digits and !#$%&'*+-.^_`|~")
  refuse(!['lax', 'strict', 'none'].includes(sameSite), 'sameSite', "must be 'lax', 'strict' or 'none'")
  refuse(
    path !== undefined && !/^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/.test(path),
    'path',
    "must begin with '/', and hold no ';'",
  )
  refuse(domain !== undefined && !HOST_NAME.test(domain), 'domain', 'must be a host name, without a dot in front')
  // RFC 6265bis, section 4.1.3: what the prefixes promise to browsers.
  refuse(/^__(Host|Secure|Http)-/i.test(name) && !secure, 'secure', `must be on for a cookie named ${name}`)
  refuse(/^__Host-/i.test(name) && domain !== undefined, 'domain', `must not be set for a cookie named ${name}`)
  refuse(/^__Host-/i.test(name) && (path ?? '/') !== '/', 'path', `must be '/' for a cookie named ${name}`)
  refuse(sameSite === 'none' && !secure, 'sameSite', "'none' needs secure; browsers drop the cookie otherwise")
  refuse(partitioned && !secure, 'partitioned', 'needs secure')
  return {
    name,
    httpOnly: true,
    secure,
    sameSite,
    path: path ?? '/',
    ...(domain !== undefined && { domain }),
    ...(partitioned && { partitioned }),
  }
}

function refuse(when: boolean, option: string, what: string): void {
  if (when) throw new SessError('invalid_option', `cookie.${option} ${what}`)
}
