// @sess/express on @sess/node-redis.
import { createSessions, type Session } from '@sess/core'
import { session } from '@sess/express'
import { redisStore } from '@sess/node-redis'
import { createClient } from 'redis'
import { serve, type Small } from './serve.ts'

const client = createClient({ url: process.env['REDIS_URL']! })
await client.connect()
const sessions = createSessions<Small>({ store: redisStore(client) })

serve(
  (app) => void app.use(session(sessions, { cookie: { secure: false } })),
  (req) => (req as unknown as { session: Session<Small> }).session.data,
)
