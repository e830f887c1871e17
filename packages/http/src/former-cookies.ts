import { checkOptions } from '@sess/core/binding'
import { stringifySetCookie } from 'cookie'
import { identityOf, refuse, type CookieAttributes, type CookieIdentity, type FormerCookie } from './cookie-options.ts'

/**
 * Checks the cookies of the option `formerly`, and fills in their defaults.
 *
 * @throws {SessError} `invalid_option`; the message names the entry.
 */
export function formerCookiesOf(
  formerly: readonly FormerCookie[] = [],
  current: CookieIdentity,
): readonly CookieIdentity[] {
  refuse(
    !Array.isArray(formerly) || formerly.some((entry) => entry === undefined),
    'formerly',
    'must be a list of cookies, as in [{ name, domain, path }]',
  )
  const all: CookieIdentity[] = []
  for (const [index, entry] of formerly.entries()) {
    const option = `formerly[${index}]`
    checkOptions(entry, `cookie.${option}`, { name: true, domain: true, path: true }, FORMER_HINTS)
    const identity = identityOf(entry.name ?? current.name, entry.domain, entry.path, `${option}.`)
    refuse(
      isSameCookie(identity, current),
      option,
      'is the session cookie itself; it must differ in name, domain or path',
    )
    const twin = all.findIndex((other) => isSameCookie(identity, other))
    refuse(twin >= 0, option, `is the same cookie as formerly[${twin}]; leave it out`)
    all.push(identity)
  }
  return all
}

const AS_NOW = "leave it out: the session cookie's value is used"
const FORMER_HINTS = { secure: AS_NOW, sameSite: AS_NOW, partitioned: AS_NOW, httpOnly: AS_NOW }

/** True if a browser treats both as the same cookie. */
function isSameCookie(one: CookieIdentity, other: CookieIdentity): boolean {
  return (
    one.name === other.name &&
    one.path === other.path &&
    (one.domain ?? '').toLowerCase() === (other.domain ?? '').toLowerCase()
  )
}

/**
 * Returns the Set-Cookie field that removes a cookie. Browsers find the cookie by its name, domain and path. They ignore the field
 * unless its other attributes are valid.
 *
 * @param attributes - The attributes of the session cookie.
 * @param identity - The cookie to remove. Default: the session cookie.
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-5.3
 */
export function removalOf(attributes: CookieAttributes, identity: CookieIdentity = attributes): string {
  const { domain: _, ...others } = attributes
  return stringifySetCookie({
    ...others,
    ...identity,
    // Browsers ignore a Set-Cookie field with such a name if it lacks Secure.
    secure: attributes.secure || /^__(?:Host|Secure|Http)-/i.test(identity.name),
    value: '',
    maxAge: 0,
    expires: new Date(0),
  })
}
