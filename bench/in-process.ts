// The CPU time that a session takes of a request, without sockets and without a server of Redis: quieter than express.ts on a
// machine that does other work, and enough to compare two builds. The middleware of another checkout: --root PATH.
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import type * as Core from '@sess/core'
import type * as Binding from '@sess/express'

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: new URL('..', import.meta.url).pathname },
    slices: { type: 'string', default: '60' },
  },
})
const packageOf = (name: string): string => new URL(`packages/${name}/src/index.ts`, `file://${values.root}/`).href
const { createSessions, memoryStore } = (await import(packageOf('core'))) as typeof Core
const { session } = (await import(packageOf('express'))) as typeof Binding

/** How many requests are under way, as of as many connections. */
const CONNECTIONS = 32
const SESSIONS = 256
/** How many requests are measured as one: short enough for some of these slices to meet no other work. */
const SLICE = 960

interface Small {
  user?: string
  n?: number
}

const sessions = createSessions<Small>({ store: memoryStore() })
const middleware = session(sessions, { cookie: { secure: false } })

/** Takes what a socket would send. */
class Sink extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

/** One request, from the middleware to the end of its answer. */
function request(path: string, cookie?: string): Promise<ServerResponse> {
  return new Promise((resolve, reject) => {
    const socket = new Sink() as unknown as Socket
    const req = new IncomingMessage(socket)
    Object.assign(req, { method: 'GET', url: path, httpVersionMajor: 1, httpVersionMinor: 1 })
    if (cookie !== undefined) req.headers.cookie = cookie
    const res = new ServerResponse(req)
    res.assignSocket(socket)
    res.on('finish', () => {
      res.detachSocket(socket)
      res.emit('close')
      resolve(res)
    })
    middleware(req, res, (error) => {
      if (error) return reject(error)
      const { data } = (req as unknown as { readonly session: Core.Session<Small> }).session
      if (path === '/start') Object.assign(data, { user: 'ann', theme: 'dark', n: 0 })
      else if (path === '/write') data.n = Math.random()
      const body = JSON.stringify({ user: data.user })
      res.setHeader('content-type', 'application/json')
      res.setHeader('content-length', body.length)
      res.end(body)
    })
  })
}

const cookies: string[] = []
for (let i = 0; i < SESSIONS; i++) {
  const cookie = String((await request('/start')).getHeader('set-cookie')).split(';')[0]!
  if (!cookie.includes('=')) throw new Error('a new session set no cookie')
  cookies.push(cookie)
}

async function requests(path: string, count: number): Promise<void> {
  const connection = async (_: unknown, at: number): Promise<void> => {
    for (let i = at; i < count; i += CONNECTIONS) await request(path, cookies[i % SESSIONS])
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
}

for (const path of ['/read', '/write']) {
  // Until the engine has compiled what it compiles.
  await requests(path, 20_000)
  const times: number[] = []
  for (let i = 0; i < Number(values.slices); i++) {
    const before = process.cpuUsage()
    await requests(path, SLICE)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / SLICE)
  }
  times.sort((a, b) => a - b)
  const [least, quarter] = [times[0]!, times[times.length >> 2]!]
  console.log(
    `${path}: ${least.toFixed(1)} µs of CPU time for each request at least, ${quarter.toFixed(1)} in the best quarter`,
  )
}
