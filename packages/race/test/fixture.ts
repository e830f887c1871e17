import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Progress, RaceName } from '../src/index.ts'
import { Meeting } from './meeting.ts'

/** How the app behaves. By default it does everything right. */
export interface Behaviour {
  /** `keys`: puts what a request changed into what is there. `whole`: loads all, saves all, whatever is there by then. */
  readonly saves?: 'keys' | 'whole'
  /** Takes an ID from a cookie that it does not know. */
  readonly adopts?: boolean
  /** Gives a new ID at login. Default: true. */
  readonly rotates?: boolean
  /** Keeps an anonymous browser's data over its login. Default: true. */
  readonly carries?: boolean
  /** Ends the session at logout, rather than only taking the cookie away. Default: true. */
  readonly ends?: boolean
  /** Lets browsers that are not signed in write. Default: true; otherwise they are redirected. */
  readonly anonymous?: boolean
  /** Wants the token from /form with each change. */
  readonly csrf?: boolean
  /** Makes requests of a race meet, at the point where most goes wrong. Needs {@link Fixture.watch}. */
  readonly meets?: boolean
}

interface Stored {
  user: string | undefined
  data: Record<string, string>
}

const COOKIE = '__Host-app'

/** An app with sessions in memory, right or wrong in one way. */
export class Fixture {
  readonly urls: string[] = []
  /** The values of all cookies that were ever given out. */
  readonly issued: string[] = []
  /** The paths of all requests. */
  readonly requests: string[] = []
  readonly #behaviour: Behaviour
  readonly #sessions = new Map<string, Stored>()
  /** IDs that a login took away. A request that still has one must not begin a session: its cookie would win. */
  readonly #superseded = new Set<string>()
  readonly #meetings = new Map<string, Meeting>()
  readonly #servers: Server[] = []
  #race: RaceName | undefined

  constructor(behaviour: Behaviour = {}) {
    this.#behaviour = behaviour
  }

  /** Serves the app under so many addresses. */
  async start(servers = 2): Promise<this> {
    for (let index = 0; index < servers; index++) {
      const { server, url } = await serve((request, response) => void this.#answer(request, response))
      this.#servers.push(server)
      this.urls.push(url)
    }
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map(close))
  }

  /** To be given as `onProgress`: the requests of which race are to meet. */
  readonly watch = (progress: Progress): void => {
    this.#race = progress.phase === 'race' ? progress.race : undefined
  }

  #meeting(id: string): Meeting {
    const meeting = this.#meetings.get(id) ?? new Meeting()
    this.#meetings.set(id, meeting)
    return meeting
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://app.invalid')
    this.requests.push(`${request.method} ${pathname}`)
    const chunks: Buffer[] = await request.toArray()
    const text = Buffer.concat(chunks).toString()
    const body =
      request.headers['content-type'] === 'application/json'
        ? (JSON.parse(text) as Record<string, string>)
        : Object.fromEntries(new URLSearchParams(text))
    const parameters = { ...Object.fromEntries(searchParams), ...body }
    const id = new RegExp(`${COOKIE}=([^;]*)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
    const stored = this.#sessions.get(id)
    const reply = (status: number, content: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content))
    }

    if (request.method === 'GET') return this.#show(pathname, stored, id, response, reply)
    if (this.#behaviour.csrf && parameters['csrf'] !== tokenOf(id)) return reply(403, { error: 'csrf' })
    if (pathname === '/nothing') return reply(200, {})
    if (pathname === '/login') return this.#login(id, stored, parameters, reply)
    if (pathname === '/logout') return this.#logout(id, stored, reply)
    if (pathname === '/set') return this.#set(id, stored, parameters, reply)
    reply(404, {})
  }

  #show(path: string, stored: Stored | undefined, id: string, response: ServerResponse, reply: Reply): void {
    if (path === '/get') return reply(200, { user: stored?.user, ...stored?.data })
    if (path === '/all') return reply(200, [...this.#sessions.values()])
    if (path === '/form') {
      const known = stored ? id : this.#create({ user: undefined, data: {} })
      response.writeHead(200, { 'content-type': 'text/html', ...(!stored && cookie(known)) })
      response.end(
        `<form><input type="hidden" value="${tokenOf(known).replaceAll('+', '&#x2b;')}" name="_csrf"></form>`,
      )
      return
    }
    reply(404, {})
  }

  #create(session: Stored, id: string = `s-${randomBytes(18).toString('base64url')}`): string {
    this.#sessions.set(id, session)
    this.issued.push(id)
    return id
  }

  /** The ID under which a request without a session may begin one. */
  #fresh(id: string): string | undefined {
    return this.#behaviour.adopts && id !== '' ? id : undefined
  }

  async #set(id: string, stored: Stored | undefined, { key, value }: Parameters, reply: Reply): Promise<void> {
    if (key === undefined || value === undefined) return reply(400, {})
    if (this.#behaviour.anonymous === false && stored?.user === undefined) return reply(302, {}, { location: '/login' })
    if (this.#superseded.has(id)) return reply(409, { error: 'signed in meanwhile' })
    if (!stored)
      return reply(200, {}, cookie(this.#create({ user: undefined, data: { [key]: value } }, this.#fresh(id))))
    const loaded = structuredClone(stored)
    if (this.#behaviour.meets) await this.#meetAsWriter(id)
    if (this.#behaviour.saves === 'whole') {
      this.#sessions.set(id, { ...loaded, data: { ...loaded.data, [key]: value } })
      return reply(200, {})
    }
    const current = this.#sessions.get(id)
    if (!current) return reply(409, { error: 'the session is gone' })
    current.data[key] = value
    reply(200, {})
  }

  async #meetAsWriter(id: string): Promise<void> {
    const meeting = this.#meeting(id)
    meeting.arrive('loaded')
    if (this.#race === 'writes') await meeting.wait('loaded', 2)
    if (this.#race === 'logout' || this.#race === 'login') await meeting.wait('over')
  }

  async #login(id: string, stored: Stored | undefined, { user }: Parameters, reply: Reply): Promise<void> {
    if (user === undefined) return reply(400, {})
    const meeting = this.#meeting(id)
    if (stored && this.#behaviour.meets && this.#race === 'login') await meeting.wait('loaded')
    const data = this.#behaviour.carries === false ? {} : { ...stored?.data }
    if (stored && this.#behaviour.rotates === false) {
      stored.user = user
      meeting.arrive('over')
      return reply(200, {})
    }
    if (stored) {
      this.#sessions.delete(id)
      this.#superseded.add(id)
    }
    const headers = cookie(
      this.#create({ user, data }, this.#behaviour.rotates === false ? this.#fresh(id) : undefined),
    )
    meeting.arrive('over')
    reply(200, {}, headers)
  }

  async #logout(id: string, stored: Stored | undefined, reply: Reply): Promise<void> {
    const meeting = this.#meeting(id)
    if (stored && this.#behaviour.meets && this.#race === 'logout') await meeting.wait('loaded')
    if (this.#behaviour.ends !== false) this.#sessions.delete(id)
    meeting.arrive('over')
    reply(303, {}, { location: '/bye', ...removal })
  }
}

type Reply = (status: number, content: unknown, headers?: Record<string, string>) => void
type Parameters = Record<string, string | undefined>

const cookie = (id: string): Record<string, string> => ({
  'set-cookie': `${COOKIE}=${id}; Path=/; HttpOnly; Secure; SameSite=Lax`,
})
const removal = { 'set-cookie': `${COOKIE}=; Path=/; Secure; Max-Age=0` }
const tokenOf = (id: string): string => `token+${id.slice(2, 10)}/`

/** Serves a handler on a free port. */
export async function serve(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, 'localhost')
  await once(server, 'listening')
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}` }
}

/** Stops a server, and whatever still waits in it. */
export async function close(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  if (server.listening) await once(server, 'close')
}
