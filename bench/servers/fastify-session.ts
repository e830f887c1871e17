// @fastify/session with connect-redis, used as their documentation shows.
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import type { Small } from './routes.ts'
import { serveFastify } from './serve-fastify.ts'

const client = createClient({ url: process.env['REDIS_URL']! })
await client.connect()

await serveFastify(
  async (app) => {
    await app.register(cookie)
    await app.register(session, {
      store: new RedisStore({ client }),
      secret: 'a secret with minimum length of 32 characters',
      saveUninitialized: false,
      cookie: { secure: false },
    })
  },
  (request) => request.session as Small,
)
