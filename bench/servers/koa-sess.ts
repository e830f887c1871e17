// @sess/koa on @sess/redis.
import { createSessions } from '@sess/core'
import { session } from '@sess/koa'
import { redisStore } from '@sess/redis'
import { Redis } from 'ioredis'
import type { Small } from './routes.ts'
import { serveKoa } from './serve-koa.ts'

const sessions = createSessions<Small>({ store: redisStore(new Redis(process.env['REDIS_URL']!)) })

serveKoa(
  (app) => app.use(session(sessions, { cookie: { secure: false } })),
  (ctx) => (ctx as unknown as { session: { data: Small } }).session.data,
)
