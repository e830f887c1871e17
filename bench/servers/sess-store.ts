// express-session as in express-session.ts, on SessStore.
import { SessStore } from '@sess/express-session'
import { redisStore } from '@sess/redis'
import session from 'express-session'
import { Redis } from 'ioredis'
import { serve, type Small } from './serve.ts'

const store = new SessStore({ store: redisStore(new Redis(process.env['REDIS_URL']!)) })

serve(
  (app) => {
    app.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false }))
  },
  (req) => (req as unknown as { session: Small }).session,
)
