import { SessError } from '@sess/core'

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

const NAMES: readonly string[] = ['name', 'secure', 'sameSite', 'path', 'domain', 'partitioned']

/** Options that cookies have elsewhere. An option that did nothing would be believed. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  httpOnly: 'is always on; leave it out',
  maxAge: 'is the time left to the session; set absoluteTimeout and persistent in createSessions()',
  expires: 'is the time left to the session; set absoluteTimeout and persistent in createSessions()',
  persistent: 'is an option of createSessions() and of login()',
}

const LABEL = '[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?'
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`, 'i')

/** @throws {SessError} `invalid_option`, naming the option. */
export function attributesOf(options: CookieOptions = {}): CookieAttributes {
  for (const option of Object.keys(options))
    refuse(!NAMES.includes(option), option, ELSEWHERE[option] ?? `is no option; there are ${NAMES.join(', ')}`)
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
