import { SessError } from '@sess/core'

/** The part of a request that {@link isCrossOrigin} reads. A fetch `Request` fits, and so do requests of Node, Express, Koa and Fastify. */
export interface OriginRequest {
  readonly method?: string | undefined
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Options of {@link isCrossOrigin}. */
export interface CrossOriginOptions {
  /**
   * Other origins whose pages may send requests that change something, such as `'https://admin.shop.example'`. Add your own origin
   * too if a proxy sends the server another Host than the browser requested. Default: none.
   */
  readonly allow?: readonly string[]
}

/** The safe methods: a request with such a method must change nothing. @see https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
const SAFE = /^(?:GET|HEAD|OPTIONS)$/i

/**
 * Returns true if a page of another origin made a browser send this request, and the request may change something. Refuse such a
 * request with 403. The check covers the attacks that SameSite=Lax does not stop: from sibling subdomains, on cookies with
 * `sameSite: 'none'`, and on a sign-in form, which needs no cookie.
 *
 * Browsers send the relation to the page's origin in Sec-Fetch-Site (over https, and to localhost). Without that field, Origin is
 * compared with the requested host. A client that sends neither field is not a browser, so an attacker cannot make it send another
 * user's cookie. Requests with a safe method (GET, HEAD, OPTIONS) give false, because they must change nothing. A WebSocket handshake is
 * a GET, but it is checked: a browser lets a page open a WebSocket to another origin with that origin's cookies, and read from it.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isCrossOrigin({ method = 'GET', headers }: OriginRequest, options: CrossOriginOptions = {}): boolean {
  const allowed = allowedBy(options)
  const field = (name: string): string | undefined => {
    const value = isFetchHeaders(headers) ? headers.get(name) : headers[name]
    // No browser sends such a field twice. The joined text equals no allowed value, so the request counts as cross-origin.
    return typeof value === 'object' ? value?.join(', ') : value
  }
  if (SAFE.test(method) && !/\bwebsocket\b/i.test(field('upgrade') ?? '')) return false
  const origin = field('origin')
  if (origin !== undefined && allowed.includes(origin)) return false
  const site = field('sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  const host = field('host') ?? (isFetchHeaders(headers) ? undefined : field(':authority'))
  if (host === undefined || !URL.canParse(origin)) return true
  const { protocol, host: from } = new URL(origin)
  // URL removes a default port from both hosts.
  return !URL.canParse(`${protocol}//${host}`) || new URL(`${protocol}//${host}`).host !== from
}

function isFetchHeaders(headers: OriginRequest['headers']): headers is { get(name: string): string | null } {
  return typeof headers['get'] === 'function'
}

function allowedBy(options: CrossOriginOptions): readonly string[] {
  for (const name of Object.keys(options))
    if (name !== 'allow')
      throw new SessError('invalid_option', `${name} is no option of isCrossOrigin(): there is allow`)
  const { allow = [] } = options
  for (const origin of allow)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin === 'null')
      throw new SessError(
        'invalid_option',
        "allow must list origins, such as 'https://shop.example': without a path, and without a '/' at the end",
      )
  return allow
}
