/** A client with a cookie jar: what a browser is to a server. Follows no redirects. */
export class Visitor {
  readonly cookies: Map<string, string>
  readonly #base: string

  constructor(base: string, cookies: Iterable<readonly [string, string]> = []) {
    this.#base = base
    this.cookies = new Map(cookies)
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(path, { headers })
  }

  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  }

  signIn(user: string, fields: Record<string, string> = {}): Promise<Response> {
    return this.post('/login', { user, password: 'demo', ...fields })
  }

  /** What the server holds of this visitor's session. */
  async me(): Promise<Me> {
    return (await this.get('/me')).json() as Promise<Me>
  }

  async #send(
    path: string,
    init: { method?: string; body?: URLSearchParams; headers: Record<string, string> },
  ): Promise<Response> {
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(cookie && { cookie }), ...init.headers }
    const response = await fetch(this.#base + path, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      if (/;\s*(?:max-age=0|expires=thu, 01 jan 1970)/i.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }
}

/** What `GET /me` answers. */
export interface Me {
  readonly subject: string | null
  readonly handle: string | null
  readonly administrator: boolean
  readonly basket: Readonly<Record<string, number>>
  readonly notes: Readonly<Record<string, string>>
}

export const JSON_PLEASE = { accept: 'application/json' }
