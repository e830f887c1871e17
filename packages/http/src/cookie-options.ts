import { SessError } from '@sess/core'
import { checkOptions, type OptionNames } from '@sess/core/binding'

/** Options of the session cookie. The cookie is always HttpOnly. Its Max-Age follows from the session's timeouts. */
export interface CookieOptions {
  /** The cookie's name. Default: `__Host-sid`; but `sid` if `secure` is off, `domain` is set, or `path` is not `'/'`. */
  readonly name?: string
  /** Browsers send the cookie over https only (most also send it to localhost over http). Default: true. */
  readonly secure?: boolean
  /** Which requests from pages of other sites carry the cookie. `'none'` needs `secure`. Default: `'lax'`. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Browsers send the cookie to this path and the paths below it. Default: `'/'`. */
  readonly path?: string
  /** Browsers send the cookie to this domain and its subdomains, such as `'example.com'`. Default: only to the host that set it. */
  readonly domain?: string
  /** Browsers keep a separate cookie for each site that embeds this site (CHIPS). It needs `secure`. Default: false. */
  readonly partitioned?: boolean
  /**
   * Session cookies of earlier deploys, with another name, domain or path. Each response that sets or removes the session
   * cookie also removes these cookies. Sessions are not loaded from cookies with another name. Default: none.
   */
  readonly formerly?: readonly FormerCookie[]
}

/** A cookie of an earlier deploy. It differs from the session cookie in its name, domain or path. */
export interface FormerCookie {
  /** Default: the session cookie's name. */
  readonly name?: string
  /** Default: none, so the cookie belongs to the host that set it. */
  readonly domain?: string
  /** Default: `'/'`. */
  readonly path?: string
}

/** The attributes by which a browser tells cookies apart, besides the partition. */
export interface CookieIdentity {
  readonly name: string
  readonly path: string
  readonly domain?: string
}

/** The checked options, with defaults filled in. */
export interface CookieAttributes extends CookieIdentity {
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly partitioned?: true
}

/** The names of all cookie options. */
export const COOKIE_OPTIONS: OptionNames<CookieOptions> = {
  name: true,
  secure: true,
  sameSite: true,
  path: true,
  domain: true,
  partitioned: true,
  formerly: true,
}

/** Options that other libraries' cookies have, and the advice that the error gives for each. */
export const COOKIE_HINTS: Readonly<Record<string, string>> = {
  httpOnly: 'the cookie is always HttpOnly; leave it out',
  maxAge: 'it is the time until the session ends; set absoluteTimeout and persistent in createSessions()',
  expires: 'it is the time until the session ends; set absoluteTimeout and persistent in createSessions()',
  persistent: 'it is an option of createSessions() and of login()',
  cookie: 'pass the options of the cookie directly, as in { sameSite, secure }',
}

const LABEL = '[a-z\\d](?:[a-z\\d-]{0,61}[a-z\\d])?'
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`, 'i')

/** Checks the options and fills in the defaults. @throws {SessError} `invalid_option`; the message names the option. */
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
 * Checks a cookie's name, domain and path.
 *
 * @param prefix - Put before the option's name in error messages, such as `formerly[0].`.
 * @throws {SessError} `invalid_option`; the message names the option.
 */
export function identityOf(
  name: string,
  domain: string | undefined,
  path: string | undefined,
  prefix: string,
): CookieIdentity {
  // RFC 6265, section 4.1.1: the name is a token, and a path has these characters. Browsers ignore attributes over 1,024 bytes.
  refuse(
    typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name),
    `${prefix}name`,
    "must be a token: letters, digits and !#$%&'*+-.^_`|~",
  )
  refuse(
    path !== undefined && !/^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/.test(path),
    `${prefix}path`,
    "must begin with '/', and must not contain ';'",
  )
  refuse(
    domain !== undefined && (typeof domain !== 'string' || !HOST_NAME.test(domain)),
    `${prefix}domain`,
    'must be a host name, without a leading dot',
  )
  // RFC 6265bis, section 4.1.3: a browser ignores a `__Host-` cookie that has a Domain or another Path.
  refuse(
    /^__Host-/i.test(name) && domain !== undefined,
    `${prefix}domain`,
    `must not be set for a cookie named ${name}`,
  )
  refuse(/^__Host-/i.test(name) && (path ?? '/') !== '/', `${prefix}path`, `must be '/' for a cookie named ${name}`)
  return { name, path: path ?? '/', ...(domain !== undefined && { domain }) }
}

/** Throws if `when` is true. @throws {SessError} `invalid_option`; the message is `cookie.OPTION WHAT`. */
export function refuse(when: boolean, option: string, what: string): void {
  if (when) throw new SessError('invalid_option', `cookie.${option} ${what}`)
}
