// express-session, used as its documentation shows.
import { setTimeout as delay } from 'node:timers/promises'
import express, { type Request } from 'express'
import session from 'express-session'
import { hostStore } from './host-store.ts'
import { listen, WORK_MS } from './process.ts'

declare module 'express-session' {
  interface SessionData {
    user?: string
    [key: string]: unknown
  }
}

// Typed here, and not through Express.Request: in this repository other packages type the same property.
type WithSession = { session: session.Session & Partial<session.SessionData> }
const own = (req: Request): WithSession['session'] => (req as unknown as WithSession).session

const app = express()
app.use(express.urlencoded())
app.use(session({ store: await hostStore(), secret: 'keyboard cat', resave: false, saveUninitialized: false }))

app.get('/get', (req, res) => {
  res.json(own(req))
})

app.post('/set', async (req, res) => {
  const { key, value } = req.body as { key: string; value: string }
  own(req)[key] = value
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
