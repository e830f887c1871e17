import { globSync, readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/** Requests that are counted. */
const COUNT = 20

/** Signs in, and returns the cookie as a browser sends it. */
export async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ user: 'probe' }) })
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
  if (!response.ok || cookie === undefined) throw new Error(`${url}: the login answered ${response.status}`)
  return cookie
}

/** A request that only reads. */
export const get = (url: string, cookie: string): Promise<Response> => fetch(`${url}/get`, { headers: { cookie } })

/** A request that writes something else each time. */
export function set(url: string, cookie: string, turn: number): Promise<Response> {
  const body = new URLSearchParams({ key: 'a', value: String(turn) })
  return fetch(`${url}/set`, { method: 'POST', body, headers: { cookie } })
}

/** What a cookie authenticates with: its value, less the signature that express-session and @fastify/session add. */
export function idOf(cookie: string): string {
  const value = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1))
  return value.replace(/^s:/, '').replace(/\.[^.]*$/, '')
}

async function bytesOf(redis: Redis, key: Buffer): Promise<Buffer[]> {
  const type = await redis.type(key)
  if (type === 'string') return [(await redis.getBuffer(key))!]
  if (type === 'zset') return redis.zrangeBuffer(key, '0', '-1')
  throw new Error(`cannot look into a ${type}`)
}

/** Where in Redis a text can be read. */
export async function findInRedis(redis: Redis, text: string): Promise<'keys' | 'values' | undefined> {
  let found: 'values' | undefined
  let cursor = '0'
  do {
    const [next, keys] = await redis.scanBuffer(cursor, 'COUNT', 1000)
    cursor = String(next)
    for (const key of keys) {
      if (key.includes(text)) return 'keys'
      if ((await bytesOf(redis, key)).some((bytes) => bytes.includes(text))) found = 'values'
    }
  } while (cursor !== '0')
  return found
}

/** Whether a text can be read in a SQLite file, its log included. */
export function isInFiles(file: string, text: string): boolean {
  const files = globSync(`${file}*`)
  if (files.length === 0) throw new Error(`there is no ${file}`)
  return files.some((each) => readFileSync(each).includes(text))
}

/** How many commands a request sends to Redis. Those that a script sends inside the server are no round trips. */
export async function roundTrips(redis: Redis, request: (turn: number) => Promise<Response>): Promise<number> {
  const once = async (turn: number): Promise<void> => {
    const response = await request(turn)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`the request answered ${response.status}`)
  }
  await once(COUNT)
  const monitor = await redis.monitor()
  try {
    let commands = 0
    const end = `end ${performance.now()}`
    const ended = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [name, argument]: [string, string?], source: string) => {
        if (argument === end) resolve()
        else if (source !== 'lua' && !/^(?:info|client|hello|ping)$/i.test(name)) commands++
      })
    })
    for (let index = 0; index < COUNT; index++) await once(index)
    await redis.echo(end)
    await ended
    return commands / COUNT
  } finally {
    monitor.disconnect()
  }
}
