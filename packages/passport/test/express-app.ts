import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { session } from '@sess/express'
import { passportSession, type PassportSessionOptions } from '@sess/passport'
import express, { type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { Browser, listen } from './browser.ts'

/** A user of the application. */
export interface User {
  readonly id?: unknown
}

export interface Served {
  readonly app: Express
  readonly auth: InstanceType<typeof passport.Passport>
  readonly sessions: Sessions
  /** Serves the application, once its routes are there. @returns Browsers of it. */
  start(): Promise<() => Browser>
}

export interface ServedOptions extends PassportSessionOptions {
  readonly express?: typeof express
  /** Between the sessions and Passport. */
  readonly between?: RequestHandler
  readonly sessions?: Sessions
}

export const EXPRESSES = [
  ['Express 5', express],
  ['Express 4', express4],
] as const

/** An application with `passport-local`, whose users all have the password `right`. Errors are answered with their code or message. */
export function served({ express: make = express, between, sessions: given, ...options }: ServedOptions = {}): Served {
  const sessions = given ?? createSessions({ store: memoryStore(), log: false })
  const auth = new passport.Passport()
  auth.use(
    new Strategy((name, password, done) => {
      if (password === 'right') done(null, { id: name }, { message: `Welcome, ${name}` })
      else done(null, false, { message: 'No such user or password' })
    }),
  )
  const app = make()
  app.use(make.json(), session(sessions, { cookie: { secure: false } }))
  if (between) app.use(between)
  app.use(passportSession(auth, options))
  app.get('/me', (req, res) => void res.json({ user: req.user ?? null, subject: req.session.subject ?? null }))
  app.get('/data', (req, res) => void res.json(req.session.data))
  app.get('/set', (req, res) => {
    Object.assign(req.session.data, req.query)
    res.send('set')
  })
  app.post('/logout', (req, res, next) => req.logout((error) => (error ? next(error) : void res.send('out'))))
  return {
    app,
    auth,
    sessions,
    async start() {
      app.use(
        (error: Error & { code?: string; status?: number }, _req: unknown, res: express.Response, _next: unknown) => {
          res.status(error.status ?? 500).send(`${error.code ?? 'error'}: ${error.message}`)
        },
      )
      const url = await listen(app)
      return () => new Browser(url)
    },
  }
}

/** Users are named by their `id`. */
export function byId({ auth }: Served): void {
  auth.serializeUser((user: User, done) => done(null, user.id))
  auth.deserializeUser((id, done) => done(null, { id }))
}
