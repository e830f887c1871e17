// @sess/hono on @sess/redis.
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/hono'
import { redisStore } from '@sess/redis'
import { Redis } from 'ioredis'
import type { Small } from './routes.ts'
import { serveHono } from './serve-hono.ts'

const sessions = createSessions<Small>({ store: redisStore(new Redis(process.env['REDIS_URL']!)) })

serveHono(
  (app) => app.use(session(sessions, { cookie: { secure: false } })),
  (c) => (c.get('session') as Session<Small>).data,
)
