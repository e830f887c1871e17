import { createHash, randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { listen } from './browser.ts'

/** A provider of OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), whose one user always consents. */
export interface Provider {
  readonly authorizationURL: string
  readonly tokenURL: string
  readonly profileURL: string
}

interface Grant {
  readonly redirectUri: string | null
  readonly challenge: string | null
}

/** Serves a provider until the test has finished. @param user - Who consents. */
export async function oauthProvider(
  user: string,
  client: { readonly id: string; readonly secret: string },
): Promise<Provider> {
  const grants = new Map<string, Grant>()
  const tokens = new Set<string>()
  const url = await listen((req, res) => {
    const { pathname, searchParams } = new URL(req.url!, 'http://provider')
    const answer = (status: number, body: object): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/authorize') {
      if (searchParams.get('client_id') !== client.id) return answer(400, { error: 'unauthorized_client' })
      const code = randomBytes(12).toString('base64url')
      const back = new URL(searchParams.get('redirect_uri')!)
      grants.set(code, { redirectUri: back.href, challenge: searchParams.get('code_challenge') })
      back.searchParams.set('code', code)
      const state = searchParams.get('state')
      if (state !== null) back.searchParams.set('state', state)
      res.writeHead(302, { location: back.href }).end()
    } else if (pathname === '/token') {
      void text(req).then((body) => {
        const form = new URLSearchParams(body)
        const grant = grants.get(form.get('code') ?? '')
        grants.delete(form.get('code') ?? '')
        const verifier = form.get('code_verifier')
        const challenge = verifier && createHash('sha256').update(verifier).digest('base64url')
        const sound =
          grant?.redirectUri === form.get('redirect_uri') &&
          form.get('client_secret') === client.secret &&
          grant.challenge === challenge
        if (!sound) return answer(400, { error: 'invalid_grant' })
        const token = randomBytes(12).toString('base64url')
        tokens.add(token)
        answer(200, { access_token: token, token_type: 'bearer' })
      })
    } else if (pathname === '/profile') {
      const [, token = ''] = /^Bearer (.*)$/.exec(req.headers.authorization ?? '') ?? []
      if (tokens.has(token)) answer(200, { id: user })
      else answer(401, { error: 'invalid_token' })
    } else answer(404, {})
  })
  return { authorizationURL: `${url}/authorize`, tokenURL: `${url}/token`, profileURL: `${url}/profile` }
}
