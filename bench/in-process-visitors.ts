import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { Small } from './servers/routes.ts'

/** How many requests are under way, as of as many connections. */
const CONNECTIONS = 32
const SESSIONS = 256

type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/** Takes what a socket would send. */
class Sink extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

/**
 * Makes sessions by requests without sockets.
 *
 * @param middleware - Gives a request its session.
 * @param dataOf - The session's data, as an object that may be read and changed.
 * @returns A function that sends so many requests to `/read` or `/write`.
 */
export async function visitors(
  middleware: Middleware,
  dataOf: (req: IncomingMessage) => Small,
): Promise<(path: string, count: number) => Promise<void>> {
  /** One request, from the middleware to the end of its answer. */
  const request = (path: string, cookie?: string): Promise<ServerResponse> =>
    new Promise((resolve, reject) => {
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
        const data = dataOf(req)
        if (path === '/start') Object.assign(data, { user: 'ann', theme: 'dark', n: 0 })
        else if (path === '/write') data.n = Math.random()
        if (data.user !== 'ann') return reject(new Error('a session was lost'))
        const body = JSON.stringify({ user: data.user })
        res.setHeader('content-type', 'application/json')
        res.setHeader('content-length', body.length)
        res.end(body)
      })
    })

  const cookies: string[] = []
  for (let i = 0; i < SESSIONS; i++) {
    const cookie = String((await request('/start')).getHeader('set-cookie')).split(';')[0]!
    if (!cookie.includes('=')) throw new Error('a new session set no cookie')
    cookies.push(cookie)
  }

  return async (path, count) => {
    const connection = async (_: unknown, at: number): Promise<void> => {
      for (let i = at; i < count; i += CONNECTIONS) await request(path, cookies[i % SESSIONS])
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  }
}
