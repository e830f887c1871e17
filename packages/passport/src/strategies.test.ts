import type { IncomingMessage } from 'node:http'
import { createSessions, memoryStore, type Session } from '@sess/core'
import { stateStore } from '@sess/passport'
import { parseCookie } from 'cookie'
import type { Request, Response } from 'express'
import type passport from 'passport'
import OAuth2Strategy from 'passport-oauth2'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Browser } from '../test/browser.ts'
import { byId, served, type Served, type ServedOptions, type User } from '../test/express-app.ts'
import { oauthProvider } from '../test/oauth-provider.ts'

const CLIENT = { id: 'shop', secret: 'a secret of the client' }

/** passport-oauth2, for the provider's own profiles. */
class ProviderStrategy extends OAuth2Strategy {
  // No private field: Passport makes an object of each strategy for each request.
  readonly profileURL: string

  constructor(profileURL: string, options: OAuth2Strategy.StrategyOptions, verify: OAuth2Strategy.VerifyFunction) {
    super(options, verify)
    this.profileURL = profileURL
  }

  override userProfile(accessToken: string, done: (error?: unknown, profile?: unknown) => void): void {
    fetch(this.profileURL, { headers: { authorization: `Bearer ${accessToken}` } })
      .then((response) => response.json())
      .then((profile) => done(null, profile), done)
  }
}

/** An application where one signs in by a provider. */
async function withProvider(
  ways: object,
  options: ServedOptions = {},
): Promise<{
  served: Served
  open: () => Browser
  /** What the provider sends the browser back with. */ back: (browser: Browser) => Promise<string>
}> {
  const provider = await oauthProvider('ann', CLIENT)
  const each = served(options)
  byId(each)
  each.auth.use(
    new ProviderStrategy(
      provider.profileURL,
      {
        authorizationURL: provider.authorizationURL,
        tokenURL: provider.tokenURL,
        clientID: CLIENT.id,
        clientSecret: CLIENT.secret,
        callbackURL: 'https://shop.example/callback',
        ...ways,
      } as OAuth2Strategy.StrategyOptions,
      (_access: string, _refresh: string, profile: { id: string }, done: OAuth2Strategy.VerifyCallback) =>
        done(null, profile),
    ),
  )
  each.app.get('/begin', (req, res, next) => {
    const { to } = req.query
    const state = to === undefined ? {} : { state: { to } }
    ;(each.auth.authenticate('oauth2', state as object) as (req: Request, res: Response, next: unknown) => void)(
      req,
      res,
      next,
    )
  })
  each.app.get(
    '/callback',
    each.auth.authenticate('oauth2', { failWithError: true, keepSessionInfo: true }),
    (req, res) => void res.json([req.user, req.authInfo]),
  )
  return {
    served: each,
    open: await each.start(),
    async back(browser) {
      const { location } = await browser.get('/begin?to=/cart')
      const { headers } = await fetch(location!, { redirect: 'manual' })
      const { pathname, search } = new URL(headers.get('location')!)
      return pathname + search
    },
  }
}

describe.each<[text: string, ways: () => object]>([
  ['Passport’s own state', () => ({ state: true })],
  ['Passport’s own state and PKCE', () => ({ state: true, pkce: true })],
  ['Passport’s own store', () => ({ store: true })],
  ['stateStore()', () => ({ store: stateStore() })],
  ['stateStore() and PKCE', () => ({ store: stateStore(), pkce: true })],
])('OAuth 2.0 with %s', (_, ways) => {
  test('signs in the browser that began, once; keepSessionInfo keeps the session’s data', async () => {
    const { open, back } = await withProvider(ways())
    const browser = open()
    await browser.get('/set?cart=book')
    const path = await back(browser)
    const { status, text } = await browser.get(path)
    expect([status, text]).toEqual([200, expect.stringMatching(/^\[\{"id":"ann"\},/)])
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect((await browser.get('/data')).text).toBe('{"cart":"book"}')
    expect((await browser.get(path)).status).toBe(403)
  })

  test('refuses an answer that this browser did not begin: another browser, another state, no state', async () => {
    const { open, back } = await withProvider(ways())
    const browser = open()
    const path = await back(browser)
    expect((await open().get(path)).status).toBe(403)
    expect((await open().get(path.replace(/&state=[^&]*/, ''))).status).toBe(403)
    expect((await browser.get(`${path}x`)).status).toBe(403)
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
  })
})

describe('stateStore()', () => {
  test('keeps sign-ins of several tabs apart, each with its own state; a wrong state drops none', async () => {
    const { open, back } = await withProvider({ store: stateStore(), pkce: true })
    const browser = open()
    const [first, second] = [await back(browser), await back(browser)]
    expect((await browser.get(`${first}x`)).status).toBe(403)
    expect((await browser.get(first)).text).toBe('[{"id":"ann"},{"state":{"to":"/cart"}}]')
    expect((await browser.get(second)).status).toBe(200)
  })

  test('keeps the last eight states', async () => {
    const { open, back } = await withProvider({ store: stateStore() })
    const browser = open()
    const paths: string[] = []
    for (let each = 0; each < 9; each++) paths.push(await back(browser))
    expect((await browser.get(paths[0]!)).status).toBe(403)
    expect((await browser.get(paths[1]!)).status).toBe(200)
  })

  test('needs no key in the application’s schema', async () => {
    const sessions = createSessions({ store: memoryStore(), log: false, schema: z.strictObject({}) })
    const { open, back } = await withProvider({ store: stateStore(), pkce: true }, { sessions: sessions as never })
    const browser = open()
    expect((await browser.get(await back(browser))).status).toBe(200)
  })

  test('refuses an answer of another provider or client', async () => {
    const store = stateStore()
    const session = await createSessions({ store: memoryStore() }).load(undefined)
    const meta = { authorizationURL: 'https://a.example/', clientID: 'shop' }
    const handle = await new Promise<string>((resolve) =>
      store.store({ session }, 'verifier', undefined, meta, (_, handle) => resolve(handle!)),
    )
    const verified = (meta: object): Promise<unknown> =>
      new Promise((resolve) => store.verify({ session }, handle, meta, (_, ok) => resolve(ok)))
    expect(await verified({ ...meta, authorizationURL: 'https://b.example/' })).toBe(false)
    expect(await verified({ ...meta, clientID: 'other' })).toBe(false)
    expect(await verified(meta)).toBe('verifier')
    expect(await verified(meta)).toBe(false)
  })
})

describe('the messages', () => {
  test('of failureFlash and successFlash are read once, that of successFlash after the sign-in', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post(
      '/login',
      auth.authenticate('local', {
        failureFlash: true,
        successFlash: 'Hello',
        failureRedirect: '/',
        successRedirect: '/',
      }),
    )
    app.get(
      '/flash',
      (req, res) => void res.json([req.flash('error'), req.flash('success'), req.session.flashed('error')]),
    )
    const browser = (await start())()
    await browser.post('/login', { username: 'ann', password: 'wrong' })
    expect((await browser.get('/flash')).text).toBe('[["No such user or password"],[],[]]')
    await browser.post('/login', { username: 'ann', password: 'right' })
    expect((await browser.get('/flash')).text).toBe('[[],["Hello"],[]]')
    expect((await browser.get('/flash')).text).toBe('[[],[],[]]')
  })

  test('of failureMessage and successMessage are in session.data.messages', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post(
      '/login',
      auth.authenticate('local', {
        failureMessage: true,
        successMessage: true,
        failureRedirect: '/',
        successRedirect: '/',
      }),
    )
    const browser = (await start())()
    await browser.post('/login', { username: 'ann', password: 'wrong' })
    expect((await browser.get('/data')).text).toBe('{"messages":["No such user or password"]}')
    await browser.get('/set?cart=book')
    await browser.post('/login', { username: 'ann', password: 'right' })
    expect((await browser.get('/data')).text).toBe('{"messages":["No such user or password","Welcome, ann"]}')
  })

  test('of req.flash may be a list or a format; reading all names at once is refused', async () => {
    const { app, start } = served()
    app.get('/leave', (req, res) => {
      res.json([req.flash('a', ['one', 'two']), req.flash('a', '%s of %d', 'one', 2), req.flash('b', { n: 1 })])
    })
    app.get('/take', (req, res) => void res.json([req.flash('a'), req.flash('b')]))
    app.get('/all', (req, res) => void res.json((req.flash as () => unknown)()))
    const browser = (await start())()
    expect((await browser.get('/leave')).text).toBe('[2,1,1]')
    expect((await browser.get('/all')).text).toContain('invalid_option: flash() needs the name of the messages')
    expect((await browser.get('/take')).text).toBe('[["one","two","one of 2"],[{"n":1}]]')
  })

  test('successReturnToOrRedirect redirects to session.data.returnTo once', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post('/login', auth.authenticate('local', { successReturnToOrRedirect: '/home' }))
    const browser = (await start())()
    await browser.get('/set?returnTo=/cart')
    expect((await browser.post('/login', { username: 'ann', password: 'right' })).location).toBe('/cart')
    expect((await browser.post('/login', { username: 'ann', password: 'right' })).location).toBe('/home')
  })
})

describe('a strategy', () => {
  interface StrategySession extends Session {
    a: { n: number }
    b?: number
    save(done: (error?: unknown) => void): void
  }

  interface Deciding {
    success(user: object): void
    pass(): void
  }

  test('sees the keys of the data as properties of the session, and the session’s own members unchanged', async () => {
    const { app, auth, start } = served()
    let seen: unknown
    auth.use({
      name: 'looking',
      authenticate(this: Deciding, req: IncomingMessage & { session: StrategySession }) {
        const { session } = req
        session.a = { n: 1 }
        session.a.n = 2
        session.b = 1
        delete session.b
        session.data['c'] = 3
        seen = [
          'a' in session,
          'b' in session,
          'login' in session,
          Object.keys(session),
          session.status,
          session.subject,
        ]
        session.flash('notice', 'mine')
        session.save((error) => {
          seen = [seen, error, session.status]
          this.pass()
        })
      },
    } as unknown as passport.Strategy)
    app.get(
      '/look',
      auth.authenticate('looking'),
      (req, res) => void res.json([req.session.data, req.session.flashed('notice')]),
    )
    const browser = (await start())()
    expect((await browser.get('/look')).text).toBe('[{"a":{"n":2},"c":3},["mine"]]')
    expect(seen).toEqual([[true, false, true, ['a', 'c'], 'new', undefined], undefined, 'active'])
    expect((await browser.get('/data')).text).toBe('{"a":{"n":2},"c":3}')
  })

  test('cannot replace members of a session', async () => {
    const { app, auth, start } = served()
    const errors: string[] = []
    auth.use({
      name: 'replacing',
      authenticate(this: Deciding, req: IncomingMessage & { session: Record<string, unknown> }) {
        for (const change of [
          () => (req.session['subject'] = 'ann'),
          () => (req.session = {}),
          () => delete req.session['login'],
          () => (req.session['regenerate'] as (done: () => void) => void)(() => {}),
        ])
          try {
            change()
          } catch (error) {
            errors.push((error as Error).message)
          }
        this.pass()
      },
    } as unknown as passport.Strategy)
    app.get('/replace', auth.authenticate('replacing'), (req, res) => void res.json(req.session.subject ?? null))
    expect((await (await start())().get('/replace')).text).toBe('null')
    expect(errors).toEqual([
      expect.stringContaining('await session.login(userId)'),
      expect.stringContaining('req.session cannot be replaced'),
      expect.stringContaining('cannot be deleted'),
      expect.anything(),
    ])
  })

  test('can read the body of the request itself', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    auth.use({
      name: 'reading',
      async authenticate(this: Deciding, req: IncomingMessage) {
        const chunks: Buffer[] = []
        for await (const chunk of req) chunks.push(chunk as Buffer)
        this.success({ id: Buffer.concat(chunks).toString() })
      },
    } as unknown as passport.Strategy)
    app.post('/read', auth.authenticate('reading', { successRedirect: '/' }))
    const browser = (await start())()
    await browser.send('/read', { method: 'POST', body: 'ann' })
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
  })

  test('that remembers users between sessions signs them in, with its own older Passport', async () => {
    const { Strategy: RememberMe } = await import('passport-remember-me')
    const each = served({
      between: (req, _res, next) => {
        req.cookies = parseCookie(req.headers.cookie ?? '')
        next()
      },
    })
    byId(each)
    const { app, auth, start, sessions } = each
    const tokens = new Map<string, string>()
    let issued = 0
    const issue = (user: User, done: (error: unknown, token: string) => void): void => {
      const token = `token-${++issued}`
      tokens.set(token, user.id as string)
      done(null, token)
    }
    auth.use(
      new RememberMe((token, done) => {
        const id = tokens.get(token)
        tokens.delete(token)
        done(null, id === undefined ? false : { id })
      }, issue),
    )
    // The older Passport puts methods on every request of the process.
    expect((await import('node:http')).IncomingMessage.prototype).toHaveProperty('logIn')
    app.post('/login', auth.authenticate('local'), (req, res) => {
      issue(req.user!, (_, token) => void res.cookie('remember_me', token).send('in'))
    })
    app.get('/home', auth.authenticate('remember-me'), (req, res) => void res.json(req.user ?? null))
    const browser = (await start())()
    await browser.post('/login', { username: 'ann', password: 'right' })
    const remembered = browser.cookies.get('remember_me')
    expect(await sessions.revokeSubject('ann')).toBe(1)
    expect((await browser.get('/home')).text).toBe('{"id":"ann"}')
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect(browser.cookies.get('remember_me')).not.toBe(remembered)
    await sessions.revokeSubject('ann')
    browser.cookies.set('remember_me', remembered!)
    expect((await browser.get('/home')).text).toBe('null')
    expect(browser.cookies.has('remember_me')).toBe(false)
  })

  test('that connects another account (authorize) signs nobody in', async () => {
    const { app, auth, start, sessions } = served()
    app.post('/connect', auth.authorize('local'), (req, res) => {
      res.json([req.user ?? null, (req as { account?: unknown }).account])
    })
    const browser = (await start())()
    expect((await browser.post('/connect', { username: 'ann', password: 'right' })).text).toBe('[null,{"id":"ann"}]')
    expect(await sessions.count()).toBe(0)
  })

  test('with a custom callback calls it for the request itself', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post('/login', (req, res, next) => {
      const decide = (error: unknown, user: Express.User | false | null | undefined, info: unknown): void => {
        if (error) return next(error)
        if (!user) return void res.status(401).json(info)
        req.logIn(user, (error) => (error ? next(error) : void res.json(req.session.subject)))
      }
      ;(
        auth.authenticate('local', decide as passport.AuthenticateCallback) as (
          req: Request,
          res: Response,
          next: unknown,
        ) => void
      )(req, res, next)
    })
    const browser = (await start())()
    expect((await browser.post('/login', { username: 'ann', password: 'wrong' })).text).toBe(
      '{"message":"No such user or password"}',
    )
    expect((await browser.post('/login', { username: 'ann', password: 'right' })).text).toBe('"ann"')
  })
})
