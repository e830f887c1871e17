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
  /**
   * Session cookies of earlier deploys, with another name, domain or path. Each response that sets or removes the session
   * cookie removes them too. A session under another name is not looked for. Default: none.
   */
  readonly formerly?: readonly FormerCookie[]
}

/** A cookie of an earlier deploy. It differs from the session cookie in at least one of these. */
export interface FormerCookie {
  /** Default: the session cookie's. */
  readonly name?: string
  /** Default: the host that set it, alone. */
  readonly domain?: string
  /** Default: `'/'`. */
  readonly path?: string
}

/** What a browser knows a cookie by, apart from its jar: with another of these it is another cookie. */
export interface CookieIdentity {
  readonly name: string
  readonly path: string
  readonly domain?: string
}

/** Options with their defaults, checked. */
export interface CookieAttributes extends CookieIdentity {
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
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
  formerly: true,
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
  const identity = identityOf(name, domain, path, '')
  refuse(!['lax', 'strict', 'none'].includes(sameSite), 'sameSite', "must be 'lax', 'strict' or 'none'")
  refuse(/^__(Host|Secure|Http)-/i.test(name) && !secure, 'secure', `must be on for a cookie named ${name}`)
  refuse(sameSite === 'none' && !secure, 'sameSite', "'none' needs secure; browsers drop the cookie otherwise")
  refuse(partitioned && !secure, 'partitioned', 'needs secure')
  return { ...identity, httpOnly: true, secure, sameSite, ...(partitioned && { partitioned }) }
}

/**
 * @param prefix - What the names of the options begin with in messages.
 * @throws {SessError} `invalid_option`, naming the option.
 */
export function identityOf(
  name: string,
  domain: string | undefined,
  path: string | undefined,
  prefix: string,
): CookieIdentity {
  // RFC 6265, section 4.1.1: a token; and the characters of a path. Browsers refuse attributes past 1,024 bytes.
  refuse(
    typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name),
    `${prefix}name`,
    "must be a token: letters, digits and !#$%&'*+-.^_`|~",
  )
  refuse(
    path !== undefined && !/^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/.test(path),
    `${prefix}path`,
    "must begin with '/', and hold no ';'",
  )
  refuse(
    domain !== undefined && (typeof domain !== 'string' || !HOST_NAME.test(domain)),
    `${prefix}domain`,
    'must be a host name, without a dot in front',
  )
  // RFC 6265bis, section 4.1.3: what the prefix promises to browsers.
  refuse(
    /^__Host-/i.test(name) && domain !== undefined,
    `${prefix}domain`,
    `must not be set for a cookie named ${name}`,
  )
  refuse(/^__Host-/i.test(name) && (path ?? '/') !== '/', `${prefix}path`, `must be '/' for a cookie named ${name}`)
  return { name, path: path ?? '/', ...(domain !== undefined && { domain }) }
}

/** @throws {SessError} `invalid_option`. */
export function refuse(when: boolean, option: string, what: string): void {
  if (when) throw new SessError('invalid_option', `cookie.${option} ${what}`)
}
