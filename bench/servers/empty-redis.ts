// Express with middleware that does nothing, in a process that uses Redis for other requests.
import { Redis } from 'ioredis'
import { SAME } from './routes.ts'
import { serve } from './serve.ts'

const redis = new Redis(process.env['REDIS_URL']!)

serve(
  (app) =>
    void app.use((req, _res, next) => {
      if (req.url !== '/start') return next()
      redis
        .set('some', Buffer.from('text'))
        .then(() => redis.getBuffer('some'))
        .then(() => next(), next)
    }),
  () => SAME,
)
