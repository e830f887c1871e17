// express-session with connect-redis, used as their documentation shows.
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { serve, type Small } from './serve.ts'

const client = createClient({ url: process.env['REDIS_URL']! })
await client.connect()

serve(
  (app) => {
    app.use(
      session({ store: new RedisStore({ client }), secret: 'keyboard cat', resave: false, saveUninitialized: false }),
    )
  },
  (req) => (req as unknown as { session: Small }).session,
)
