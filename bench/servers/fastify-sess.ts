// @sess/fastify on @sess/redis.
import { createSessions } from '@sess/core'
import { session } from '@sess/fastify'
import { redisStore } from '@sess/redis'
import { Redis } from 'ioredis'
import type { Small } from './routes.ts'
import { serveFastify } from './serve-fastify.ts'

const sessions = createSessions<Small>({ store: redisStore(new Redis(process.env['REDIS_URL']!)) })

await serveFastify(
  (app) => app.register(session(sessions, { cookie: { secure: false } })),
  (request) => (request as unknown as { session: { data: Small } }).session.data,
)
