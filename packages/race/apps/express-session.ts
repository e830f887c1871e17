// express-session with connect-redis, used as their documentation shows.
import { setTimeout as delay } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { listen, WORK_MS } from './process.ts'

declare module 'express-session' {
  interface SessionData {
    user?: string
    data?: Record<string, string>
  }
}

const client = createClient({ url: process.env['REDIS_URL']! })
await client.connect()

const app = express()
app.use(express.urlencoded())
app.use(session({ store: new RedisStore({ client }), secret: 'keyboard cat', resave: false, saveUninitialized: false }))

app.get('/get', (req, res) => {
  res.json({ user: req.session.user, ...req.session.data })
})

app.post('/set', async (req, res) => {
  const { key, value } = req.body as { key: string; value: string }
  req.session.data = { ...req.session.data, [key]: value }
  await delay(WORK_MS)
  res.json({})
})

app.post('/login', (req, res, next) => {
  const { user } = req.body as { user: string }
  req.session.regenerate((error: unknown) => {
    if (error) return next(error)
    req.session.user = user
    res.json({})
  })
})

app.post('/logout', (req, res, next) => {
  req.session.destroy((error: unknown) => (error ? next(error) : res.json({})))
})

listen(app)
