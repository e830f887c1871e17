import { checkOptions } from '@sess/core/binding'
import { stringifySetCookie } from 'cookie'
import { identityOf, refuse, type CookieAttributes, type CookieIdentity, type FormerCookie } from './cookie-options.ts'

/**
 * The cookies of the option `formerly`, checked.
 *
 * @throws {SessError} `invalid_option`, naming the entry.
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

const AS_NOW = "leave it out: it is the session cookie's"
const FORMER_HINTS = { secure: AS_NOW, sameSite: AS_NOW, partitioned: AS_NOW, httpOnly: AS_NOW }

/** Whether a browser would take both for one cookie. */
function isSameCookie(one: CookieIdentity, other: CookieIdentity): boolean {
  return (
    one.name === other.name &&
    one.path === other.path &&
    (one.domain ?? '').toLowerCase() === (other.domain ?? '').toLowerCase()
  )
}

/**
 * The Set-Cookie field that makes a browser forget a cookie. Browsers look at name, domain and path to find it; the rest is what
 * they demand before they take the field at all.
 *
 * @param attributes - Of the session cookie.
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-5.3
 */
export function removalOf(attributes: CookieAttributes, identity: CookieIdentity = attributes): string {
  const { domain: _, ...others } = attributes
  return stringifySetCookie({
    ...others,
    ...identity,
    // Without it browsers drop every field with such a name.
    secure: attributes.secure || /^__(?:Host|Secure|Http)-/i.test(identity.name),
    value: '',
    maxAge: 0,
    expires: new Date(0),
  })
}
