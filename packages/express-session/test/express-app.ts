import express, { type Request } from 'express'
import session from 'express-session'
import type { SessStore } from '../src/index.ts'
import type { Gate } from './browser.ts'

// Typed here, and not through Express.Request: in this repository other packages type the same property.
type Own = session.Session & session.SessionData & Record<string, unknown>
export const own = (req: Request): Own => (req as unknown as { session: Own }).session

/** An app on express-session, as its documentation has it. */
export function expressApp(
  store: SessStore,
  options: Partial<session.SessionOptions> = {},
  gate?: Gate,
): express.Express {
  const app = express()
  app.use(express.urlencoded())
  app.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false, ...options }))
  app.get('/get', (req, res) => {
    res.json(Object.assign({ id: req.sessionID }, own(req)))
  })
  app.post('/set', async (req, res) => {
    Object.assign(own(req), req.body)
    res.json({})
  })
  app.post('/delete', (req, res) => {
    for (const key of Object.keys(req.body as object)) delete own(req)[key]
    res.json({})
  })
  app.post('/set-slowly', async (req, res) => {
    Object.assign(own(req), req.body)
    await gate!.pass()
    res.json({})
  })
  app.post('/login', (req, res, next) => {
    own(req).regenerate((error: unknown) => {
      if (error) return next(error)
      Object.assign(own(req), req.body)
      res.json({})
    })
  })
  app.post('/logout', (req, res, next) => {
    own(req).destroy((error: unknown) => (error ? next(error) : res.json({})))
  })
  app.post('/remember', (req, res) => {
    own(req).cookie.maxAge = Number((req.body as { ms: string }).ms)
    res.json({})
  })
  return app
}
