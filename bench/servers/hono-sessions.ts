// hono-sessions, with the least of a store on ioredis: it has none of its own for Redis.
import { sessionMiddleware, type Session, type SessionData } from 'hono-sessions'
import { Redis } from 'ioredis'
import type { Small } from './routes.ts'
import { serveHono } from './serve-hono.ts'

const redis = new Redis(process.env['REDIS_URL']!)
const save = async (id: string, data: SessionData): Promise<void> =>
  void (await redis.set(`hono:${id}`, JSON.stringify(data), 'EX', 1800))

const store = {
  async getSessionById(id?: string) {
    const json = await redis.get(`hono:${id}`)
    return json === null ? null : (JSON.parse(json) as SessionData)
  },
  createSession: save,
  persistSessionData: save,
  async deleteSession(id: string) {
    await redis.del(`hono:${id}`)
  },
}

serveHono(
  (app) =>
    app.use(sessionMiddleware({ store, expireAfterSeconds: 1800, cookieOptions: { httpOnly: true, sameSite: 'Lax' } })),
  (c) => {
    const session = c.get('session') as Session<Small>
    return new Proxy<Small>(
      {},
      {
        get: (_, name: keyof Small) => session.get(name),
        set: (_, name: keyof Small, value: never) => {
          session.set(name, value)
          return true
        },
      },
    )
  },
)
