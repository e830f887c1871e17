// koa-session, with the least of a store on ioredis: it has none of its own for Redis.
import { Redis } from 'ioredis'
import session from 'koa-session'
import type { Small } from './routes.ts'
import { serveKoa } from './serve-koa.ts'

const redis = new Redis(process.env['REDIS_URL']!)

const store = {
  async get(id: string) {
    const json = await redis.get(`koa:${id}`)
    return json === null ? undefined : (JSON.parse(json) as object)
  },
  async set(id: string, data: object) {
    await redis.set(`koa:${id}`, JSON.stringify(data), 'EX', 1800)
  },
  async destroy(id: string) {
    await redis.del(`koa:${id}`)
  },
}

serveKoa(
  (app) => {
    app.keys = ['keyboard cat']
    app.use(session({ store, signed: true, secure: false }, app))
  },
  (ctx) => (ctx as unknown as { session: Small }).session,
)
