// express-session with connect-redis, used as their documentation shows.
import { setTimeout as delay } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express, { type Request } from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { listen, WORK_MS } from './process.ts'

declare module 'express-session' {
  interface SessionData {
    user?: string
    data?: Record<string, string>
  }
}

// Typed here, and not through Express.Request: in this repository other packages type the same property.
type WithSession = { session: session.Session & Partial<session.SessionData> }
const own = (req: Request): WithSession['session'] => (req as unknown as WithSession).session

const client = createClient({ url: process.env['REDIS_URL']! })
await client.connect()

const app = express()
app.use(express.urlencoded())
app.use(session({ store: new RedisStore({ client }), secret: 'keyboard cat', resave: false, saveUninitialized: false }))

app.get('/get', (req, res) => {
  res.json({ user: own(req).user, ...own(req).data })
})

app.post('/set', async (req, res) => {
  const { key, value } = req.body as { key: string; value: string }
  own(req).data = { ...own(req).data, [key]: value }
  await delay(WORK_MS)
  res.json({})
})

app.post('/login', (req, res, next) => {
  const { user } = req.body as { user: string }
  own(req).regenerate((error: unknown) => {
    if (error) return next(error)
    own(req).user = user
    res.json({})
  })
})

app.post('/logout', (req, res, next) => {
  own(req).destroy((error: unknown) => (error ? next(error) : res.json({})))
})

listen(app)
