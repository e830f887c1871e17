import type { RequestHandler } from 'express'

/**
 * Refuses requests that another site made a browser send, on every method that may change something. The session
 * cookie's `SameSite=Lax` keeps most of them anonymous; this also covers sibling subdomains, and the sign-in form,
 * which needs no cookie.
 *
 * Browsers say where a request comes from in `Sec-Fetch-Site`, or, over plain http, in `Origin`. A client that sends
 * neither is no browser, and cannot be tricked into sending somebody's cookie.
 *
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export const sameOriginOnly: RequestHandler = (req, res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD' || isSameOrigin(req.headers)) return next()
  res.status(403).type('text').send('This request came from another site, so it was refused and nothing was changed.\n')
}

function isSameOrigin(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const { origin } = headers
  return (
    origin === undefined ||
    (typeof origin === 'string' && URL.canParse(origin) && new URL(origin).host === headers['host'])
  )
}
