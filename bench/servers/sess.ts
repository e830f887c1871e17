// @sess/express on @sess/redis.
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/express'
import { redisStore } from '@sess/redis'
import { Redis } from 'ioredis'
import { serve, type Small } from './serve.ts'

const redis = new Redis(process.env['REDIS_URL']!)
const sessions = createSessions<Small>({ store: redisStore(redis) })

serve(
  (app) => void app.use(session(sessions, { cookie: { secure: false } })),
  (req) => (req as unknown as { session: Session<Small> }).session.data,
)
