import { SessError } from '@sess/core'

/** Options of the session cookie. It is always HttpOnly. */
export interface CookieOptions {
  /** Default: `__Host-sid`; `sid` where `secure` is off, or `domain` or `path` is set. */
  readonly name?: string
  /** Only over https (and to localhost). Default: true. */
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

/** @throws {SessError} `invalid_option`, naming the option. */
export function attributesOf(options: CookieOptions = {}): CookieAttributes {
  const { secure = true, sameSite = 'lax', path, domain, partitioned = false } = options
  const { name = secure && path === undefined && domain === undefined ? '__Host-sid' : 'sid' } = options
  // RFC 6265, section 4.1.1: a token; and the characters of a path.
  refuse(!/^[\w!#$%&'*+.^`|~-]+$/.test(name), 'name', "must be a token: letters, digits and !#$%&'*+-.^_`|~")
  refuse(!['lax', 'strict', 'none'].includes(sameSite), 'sameSite', "must be 'lax', 'strict' or 'none'")
  refuse(path !== undefined && !/^\/[\x20-\x3a\x3c-\x7e]*$/.test(path), 'path', "must begin with '/', and hold no ';'")
  refuse(
    domain !== undefined && !/^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i.test(domain),
    'domain',
    'must be a host name, without a dot in front',
  )
  // RFC 6265bis, section 4.1.3: what the prefixes promise to browsers.
  refuse(/^__(Host|Secure)-/i.test(name) && !secure, 'secure', `must be on for a cookie named ${name}`)
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
