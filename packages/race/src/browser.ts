import { CookieJar, type Cookie } from 'tough-cookie'
import type { App } from './app.ts'
import type { Exchange } from './client.ts'
import { proofOf, type WriteTemplate } from './options.ts'
import { fillRequest, fillText, hasPlaceholder, type RequestTemplate, type Values } from './request.ts'
import { SetupError } from './setup-error.ts'
import { Unjudged, word, type Sighting, type TimelineEvent, type Trial } from './trial.ts'

/** A request that a browser sends. */
export interface Call {
  readonly label: string
  readonly template: RequestTemplate
  readonly write?: Sent
  /** The index of the server. Default: the next server in turn. */
  readonly server?: number
  readonly racing?: boolean
  saw?(exchange: Exchange): Sighting[]
}

/** A write with its value, and the text that shows that it survived. */
export interface Sent {
  readonly template: WriteTemplate
  readonly value: string
  readonly proof: string | undefined
}

/** What the app shows to a browser. */
export interface Look {
  readonly signedIn: boolean
  /** The proofs that are in the answer to `read`. */
  readonly shown: ReadonlySet<string>
}

/** Makes a write with a new value. */
export function newWrite(template: WriteTemplate): Sent {
  const value = word(16)
  return { template, value, proof: proofOf(template, value) }
}

/** Whether an answer is a page that contains a text. */
const shows = ({ status, body }: Exchange, text: string): boolean => status > 0 && status < 400 && body.includes(text)

const entities = (text: string): string =>
  text
    .replaceAll(/&#(?:x([\da-f]+)|(\d+));/gi, (_, hex?: string, decimal?: string) =>
      String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replaceAll('&amp;', '&')

/** One client with its cookies. */
export class Browser {
  readonly #app: App
  readonly #trial: Trial
  readonly #name: string
  readonly #jar: CookieJar
  /** A replay accepts no new cookies. */
  readonly #replay: boolean

  constructor(app: App, trial: Trial, name = 'browser', jar?: CookieJar) {
    this.#app = app
    this.#trial = trial
    this.#name = name
    this.#jar = jar ?? new CookieJar()
    this.#replay = jar !== undefined
  }

  /** A client with this browser's present cookies, which accepts no new cookies. */
  replay(name: string, trial: Trial = this.#trial): Browser {
    return this.replayWith((_name, value) => value, name, trial)
  }

  /** As {@link replay}, with some cookies replaced. If `change` returns undefined, the cookie is left out. */
  replayWith(
    change: (name: string, value: string) => string | undefined,
    name: string,
    trial: Trial = this.#trial,
  ): Browser {
    const jar = this.#jar.cloneSync()!
    for (const cookie of this.#all(jar)) {
      const value = change(cookie.key, cookie.value)
      if (value === undefined) jar.store.removeCookie(cookie.domain, cookie.path, cookie.key, () => {})
      else cookie.value = value
    }
    return new Browser(this.#app, trial, name, jar)
  }

  /** The names and values of the cookies. */
  cookies(): Map<string, string> {
    return new Map(this.#all(this.#jar).map(({ key, value }) => [key, value]))
  }

  #all(jar: CookieJar): Cookie[] {
    return jar.getCookiesSync(this.#url('/'), { allPaths: true })
  }

  #url(path: string): string {
    const { origin, pathname } = this.#app.settings.servers[0]!
    return origin + pathname.replace(/\/$/, '') + path
  }

  #cookie(name: string): string | undefined {
    const value = this.cookies().get(name)
    if (value === undefined) return undefined
    try {
      return decodeURIComponent(value)
    } catch {
      return value
    }
  }

  /** Sends a request now. */
  async send(call: Call): Promise<Exchange> {
    return (await this.ready(call))()
  }

  /** Sends a request. @throws {Unjudged} When it is not acknowledged. */
  async must(call: Call): Promise<Exchange> {
    const exchange = await this.send(call)
    if (!this.#app.acknowledged(call.template, exchange, this.#trial.user))
      throw new Unjudged(`${call.label}: ${describe(exchange)}`)
    return exchange
  }

  /** Records the answer to a request that was sent alone and has worked. */
  learn(template: RequestTemplate, exchange: Exchange): void {
    this.#app.learn(template, exchange, this.#trial.user)
  }

  /** Prepares a request, with its CSRF token. The returned function sends it at once. */
  async ready(call: Call): Promise<() => Promise<Exchange>> {
    const { settings } = this.#app
    const texts = [call.template.path, call.template.body, ...Object.values(settings.headers)]
    const csrf =
      settings.csrf && call.template !== settings.csrf && texts.some((text) => hasPlaceholder(text, 'csrf'))
        ? await this.#csrf(settings.csrf)
        : undefined
    const values: Values = {
      user: this.#trial.user,
      cookie: (name) => this.#cookie(name),
      ...(csrf !== undefined && { csrf }),
      ...(call.write && { value: call.write.value, key: call.write.template.key }),
    }
    const { method, path, body, contentType } = fillRequest(call.template, values)
    const headers = Object.fromEntries(
      Object.entries(settings.headers).map(([name, value]) => [name, fillText(value, values)]),
    )
    const server = call.server ?? this.#trial.nextServer()
    return async () => {
      const cookie = this.#jar.getCookieStringSync(this.#url(path))
      const exchange = await this.#app.clients[server]!.send({
        method,
        path,
        body,
        headers: {
          ...(contentType !== undefined && { 'content-type': contentType }),
          ...headers,
          ...(cookie !== '' && { cookie }),
        },
      })
      if (!this.#replay)
        for (const line of exchange.setCookies) this.#jar.setCookieSync(line, this.#url(path), { ignoreError: true })
      this.#trial.events.push(this.#event(call, server, exchange))
      return exchange
    }
  }

  #event(call: Call, server: number, exchange: Exchange): TimelineEvent {
    const saw = call.saw?.(exchange)
    return {
      label: call.label,
      by: this.#name,
      server,
      request: call.template.label,
      from: exchange.startedAt - this.#trial.startedAt,
      to: exchange.endedAt - this.#trial.startedAt,
      status: exchange.status,
      ...(exchange.error !== undefined && { error: exchange.error }),
      setsCookie: exchange.setCookies.some((line) => this.#app.isSessionCookie(line.split('=', 1)[0]!)),
      racing: call.racing ?? false,
      ...(saw && { saw }),
    }
  }

  async #csrf(template: RequestTemplate): Promise<string> {
    const page = await this.send({ label: 'fetch the CSRF token', template })
    const token = this.#app.settings.csrfPattern.exec(page.body)?.[1]
    if (token === undefined)
      throw new SetupError(
        'csrf_not_found',
        `${template.label} (${describe(page)}) contains no CSRF token that matches the pattern; check --csrf and --csrf-pattern`,
      )
    return entities(token)
  }

  /** Writes. */
  write(write: Sent, label = `write ${write.template.key}`): Promise<Exchange> {
    return this.must({ label, template: write.template.request, write })
  }

  /** Reads from the app which of these writes are in the session, and whether the browser is signed in. */
  async look(writes: readonly Sent[], server?: number): Promise<Look> {
    const { login, read, whoami, signedIn } = this.#app.settings
    const proofs = writes.flatMap((write) => (write.proof === undefined ? [] : [write]))
    const user = fillText(signedIn, { user: this.#trial.user })
    const inOne = read === whoami
    const sawUser = (exchange: Exchange): Sighting[] => [{ what: 'signed in', there: shows(exchange, user) }]
    const sawData = (exchange: Exchange): Sighting[] =>
      proofs.map(({ proof, template }) => ({ what: `write ${template.key}`, there: shows(exchange, proof!) }))
    const on = server === undefined ? {} : { server }
    let signedInSeen = false
    if (login && (!inOne || proofs.length === 0)) {
      const exchange = await this.#page({ label: 'who am I', template: whoami, saw: sawUser, ...on })
      signedInSeen = shows(exchange, user)
    }
    if (proofs.length === 0) return { signedIn: signedInSeen, shown: new Set() }
    const saw = (exchange: Exchange): Sighting[] => [...(login && inOne ? sawUser(exchange) : []), ...sawData(exchange)]
    const exchange = await this.#page({ label: 'read', template: read, saw, ...on })
    return {
      signedIn: login && inOne ? shows(exchange, user) : signedInSeen,
      shown: new Set(proofs.map(({ proof }) => proof!).filter((proof) => shows(exchange, proof))),
    }
  }

  /** Requests a page. A refusal is an answer too; without an answer the trial cannot be judged. @throws {Unjudged} */
  async #page(call: Call): Promise<Exchange> {
    const exchange = await this.send(call)
    if (exchange.status === 0 || exchange.status === 429 || exchange.status >= 500)
      throw new Unjudged(`${call.label}: ${describe(exchange)}`)
    return exchange
  }
}

/** Describes an answer, for a message. */
export function describe({ status, location, error }: Exchange): string {
  if (error !== undefined) return error
  return `answered ${status}${location === undefined ? '' : `, to ${location.split('?')[0]}`}`
}
