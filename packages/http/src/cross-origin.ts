import { SessError } from '@sess/core'

/** The part of a request that {@link isCrossOrigin} looks at: a fetch `Request`, or Node's, Express's, Koa's or Fastify's. */
export interface OriginRequest {
  readonly method?: string | undefined
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Options of {@link isCrossOrigin}. */
export interface CrossOriginOptions {
  /**
   * Other origins whose pages may send requests that change something, such as `'https://admin.shop.example'`. Your own as well,
   * where a proxy gives the server another Host than the browser asked. Default: none.
   */
  readonly allow?: readonly string[]
}

/** Methods that must change nothing. @see https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
const SAFE = /^(?:GET|HEAD|OPTIONS)$/i

/**
 * Whether a page of another origin made a browser send this request, which may change something: refuse it, with 403. It covers
 * what SameSite=Lax does not: sibling subdomains, cookies with `sameSite: 'none'`, and a sign-in form, which needs no cookie.
 *
 * Browsers say where a request comes from in Sec-Fetch-Site (over https, and to localhost), or else in Origin, which is compared with
 * the host that was asked. A client that sends neither is no browser, and cannot be tricked into sending somebody's cookie. Requests
 * by safe methods (GET, HEAD, OPTIONS) never are cross-origin in this sense: they must change nothing. The opening of a WebSocket is a
 * GET and is looked at all the same: no browser keeps a page from opening one to another origin, with that one's cookies, and reading it.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isCrossOrigin({ method = 'GET', headers }: OriginRequest, options: CrossOriginOptions = {}): boolean {
  const allowed = allowedBy(options)
  const field = (name: string): string | undefined => {
    const value = isFetchHeaders(headers) ? headers.get(name) : headers[name]
    // A field that must not come twice: no browser sends it so, and nothing that is allowed looks like it.
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
  // Without a default port, on both sides.
  return !URL.canParse(`${protocol}//${host}`) || new URL(`${protocol}//${host}`).host !== from
}

function isFetchHeaders(headers: OriginRequest['headers']): headers is { get(name: string): string | null } {
  return typeof headers['get'] === 'function'
}

function allowedBy(options: CrossOriginOptions): readonly string[] {
  for (const name of Object.keys(options))
    if (name !== 'allow')
      throw new SessError('invalid_option', `${name} is no option of isCrossOrigin(); there is allow`)
  const { allow = [] } = options
  for (const origin of allow)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || origin === 'null')
      throw new SessError(
        'invalid_option',
        "allow must list origins, such as 'https://shop.example': no path, no '/' at the end",
      )
  return allow
}
