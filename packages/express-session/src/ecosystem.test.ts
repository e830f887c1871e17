import flash from 'connect-flash'
import { csrfSync } from 'csrf-sync'
import express, { type Request } from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { describe, expect, test } from 'vitest'
import { Browser, serve } from '../test/browser.ts'
import { stores } from '../test/stores.ts'
import { SessStore } from './index.ts'

type Flash = (name: string, message?: string) => unknown
const flashOf = (req: Request): Flash => (req as unknown as { flash: Flash }).flash.bind(req)

/** The usual stack: express-session, passport, connect-flash and CSRF tokens, none of which knows of SessStore. */
function usualApp(store: SessStore): express.Express {
  const auth = new passport.Passport()
  auth.use(new Strategy((name, password, done) => done(null, password === 'secret' ? { name } : false)))
  auth.serializeUser((user, done) => done(null, (user as { name: string }).name))
  auth.deserializeUser((name: string, done) => done(null, { name }))
  const { csrfSynchronisedProtection } = csrfSync({
    getTokenFromRequest: (req) => (req.body as { token?: string }).token,
  })

  const app = express()
  app.use(express.urlencoded())
  app.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false }))
  app.use(flash())
  app.use(auth.initialize(), auth.session())
  app.use(csrfSynchronisedProtection)
  app.get('/form', (req, res) => {
    const user = (req as unknown as { user?: { name: string } }).user?.name
    res.json({ user, token: req.csrfToken!(), messages: flashOf(req)('notice') })
  })
  app.post('/login', auth.authenticate('local'), (req, res) => {
    flashOf(req)('notice', 'Welcome')
    res.json({})
  })
  app.post('/logout', (req, res, next) => {
    ;(req as unknown as { logout(done: (error: unknown) => void): void }).logout((error) => {
      if (error) return next(error)
      flashOf(req)('notice', 'Goodbye')
      res.json({})
    })
  })
  app.use(((error: { statusCode?: number }, _req, res, _next) => {
    res.status(error.statusCode ?? 500).json({})
  }) as express.ErrorRequestHandler)
  return app
}

describe.each(Object.entries(stores))('the usual stack on %s', (_name, open) => {
  test('passport signs in and out, connect-flash shows a message once, CSRF tokens are checked', async () => {
    await using opened = await open()
    await using app = await serve(usualApp(new SessStore({ store: opened.store })))
    const browser = new Browser(app.url)
    const form = async (): Promise<Record<string, unknown>> => (await browser.get('/form')).body
    const token = async (): Promise<string> => String((await form())['token'])
    const login = { username: 'ada', password: 'secret' }

    expect((await browser.post('/login', login)).status).toBe(403)
    expect((await browser.post('/login', { ...login, token: await token(), password: 'wrong' })).status).toBe(401)
    const anonymous = browser.copy()
    expect((await browser.post('/login', { ...login, token: await token() })).status).toBe(200)
    expect(browser.cookie).not.toBe(anonymous.cookie)
    expect(await form()).toMatchObject({ user: 'ada', messages: ['Welcome'] })
    expect(await form()).toMatchObject({ user: 'ada', messages: [] })
    expect((await anonymous.get('/form')).body).not.toHaveProperty('user')

    const signedIn = browser.copy()
    expect((await browser.post('/logout')).status).toBe(403)
    expect((await browser.post('/logout', { token: await token() })).status).toBe(200)
    expect(await form()).toMatchObject({ messages: ['Goodbye'] })
    expect(await form()).not.toHaveProperty('user')
    expect((await signedIn.get('/form')).body).not.toHaveProperty('user')
  })
})
