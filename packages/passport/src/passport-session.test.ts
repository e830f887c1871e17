import { createSessions, memoryStore } from '@sess/core'
import { passportSession, type PassportInstance, type PassportSessionOptions } from '@sess/passport'
import express from 'express'
import passport from 'passport'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Browser, listen } from '../test/browser.ts'
import { byId, EXPRESSES, served, type User } from '../test/express-app.ts'

const RIGHT = (username: string): Record<string, string> => ({ username, password: 'right' })

describe.each(EXPRESSES)('on %s', (_, express) => {
  test('a user signs in, is the session’s subject in later requests, and signs out', async () => {
    const each = served({ express })
    byId(each)
    const { app, auth, sessions, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/me', failureRedirect: '/no' }))
    const browser = (await start())()
    expect((await browser.post('/login', { username: 'ann', password: 'wrong' })).location).toBe('/no')
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
    expect((await browser.post('/login', RIGHT('ann'))).location).toBe('/me')
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toHaveLength(1)
    expect((await browser.post('/logout')).text).toBe('out')
    expect([...browser.cookies]).toEqual([])
    expect(await sessions.count()).toBe(0)
  })

  test('revokeSubject, called elsewhere, signs the user out', async () => {
    const each = served({ express })
    byId(each)
    const { app, auth, sessions, start } = each
    app.post('/login', auth.authenticate('local'), (req, res) => void res.send(req.isAuthenticated()))
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    expect(await sessions.revokeSubject('ann')).toBe(1)
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
  })
})

describe('a sign-in', () => {
  test('gives a new secret; the old secret opens no session', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const open = await start()
    const browser = open()
    await browser.get('/set?cart=book')
    const planted = open()
    for (const [name, value] of browser.cookies) planted.cookies.set(name, value)
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/me')).text).toContain('ann')
    expect((await planted.get('/me')).text).toBe('{"user":null,"subject":null}')
  })

  test.each([
    [undefined, '{}'],
    [true, '{"cart":"book"}'],
  ])('with keepSessionInfo: %s leaves the data %s', async (keepSessionInfo, data) => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post(
      '/login',
      auth.authenticate('local', { successRedirect: '/', ...(keepSessionInfo && { keepSessionInfo }) }),
    )
    const browser = (await start())()
    await browser.get('/set?cart=book')
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/data')).text).toBe(data)
  })

  test('of another user takes no data of the first, whatever keepSessionInfo says', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/', keepSessionInfo: true }))
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    await browser.get('/set?notes=secret')
    await browser.post('/login', RIGHT('bob'))
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"bob"},"subject":"bob"}')
    expect((await browser.get('/data')).text).toBe('{}')
  })

  test('with session: false lasts for its request only', async () => {
    const { app, auth, sessions, start } = served()
    app.post('/login', auth.authenticate('local', { session: false }), (req, res) => {
      res.json([req.user, req.isAuthenticated(), req.isUnauthenticated()])
    })
    const browser = (await start())()
    expect((await browser.post('/login', RIGHT('ann'))).text).toBe('[{"id":"ann"},true,false]')
    expect([browser.cookies.size, await sessions.count()]).toEqual([0, 0])
  })

  test('passes the application’s options to session.login', async () => {
    const each = served({
      login: (_req, user) => ({ label: `of ${(user as { id: string }).id}`, persistent: false }),
    })
    byId(each)
    const { app, auth, sessions, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    expect((await browser.post('/login', RIGHT('ann'))).headers.get('set-cookie')).not.toContain('Max-Age')
    const [info] = await Array.fromAsync(sessions.listSubject('ann'))
    expect(info).toMatchObject({ label: 'of ann', persistent: false })
  })

  test('by req.logIn can be awaited or call back', async () => {
    const each = served()
    byId(each)
    const { app, start } = each
    app.get('/awaited', async (req, res) => {
      await req.logIn({ id: 'ann' } as User, { keepSessionInfo: true })
      res.json(req.user)
    })
    app.get('/called', (req, res, next) =>
      req.login({ id: 'bob' } as User, (error) => (error ? next(error) : void res.json(req.user))),
    )
    app.get('/out', async (req, res) => {
      await req.logOut()
      res.json([req.user ?? null, req.isAuthenticated(), req.isUnauthenticated()])
    })
    const browser = (await start())()
    await browser.get('/set?cart=book')
    expect((await browser.get('/awaited')).text).toBe('{"id":"ann"}')
    expect((await browser.get('/data')).text).toBe('{"cart":"book"}')
    expect((await browser.get('/called')).text).toBe('{"id":"bob"}')
    expect((await browser.get('/me')).text).toContain('bob')
    expect((await browser.get('/out')).text).toBe('[null,false,true]')
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
  })

  test('of one user does not mix with a simultaneous sign-in of another', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    const waiting: (() => void)[] = []
    const together = {
      name: 'together',
      authenticate(this: { success(user: object): void }, req: express.Request): void {
        waiting.push(() => this.success({ id: req.query['id'] }))
        if (waiting.length === 2) for (const go of waiting) go()
      },
    }
    auth.use(together as unknown as passport.Strategy)
    app.get('/login', auth.authenticate('together'), (req, res) => void res.json(req.user))
    const open = await start()
    const [ann, bob] = [open(), open()]
    const pages = await Promise.all([ann.get('/login?id=ann'), bob.get('/login?id=bob')])
    expect(pages.map(({ text }) => text)).toEqual(['{"id":"ann"}', '{"id":"bob"}'])
    expect((await ann.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect((await bob.get('/me')).text).toBe('{"user":{"id":"bob"},"subject":"bob"}')
  })
})

describe('a sign-out', () => {
  test.each([
    ['', '{}'],
    ['?keep', '{"cart":"book"}'],
  ])('%s goes on with data %s, and nobody', async (query, data) => {
    const each = served()
    byId(each)
    const { app, auth, sessions, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/', keepSessionInfo: true }))
    app.get('/out', async (req, res) => {
      await req.logOut({ keepSessionInfo: 'keep' in req.query })
      res.send('out')
    })
    const browser = (await start())()
    await browser.get('/set?cart=book')
    await browser.post('/login', RIGHT('ann'))
    const signedIn = [...browser.cookies.values()]
    await browser.get(`/out${query}`)
    expect((await browser.get('/data')).text).toBe(data)
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
    expect((await sessions.load(signedIn[0])).status).toBe('new')
  })
})

test('leaves no user in a session that was destroyed before the sign-in or that keeps its data', async () => {
  const { app, auth, start } = served()
  auth.serializeUser((user: User, done) => done(null, user.id))
  auth.deserializeUser((id: unknown, done) => done(null, { id }))
  app.get('/anew', async (req, res) => {
    await req.session.destroy()
    await req.logIn({ id: 7 } as User)
    res.send('in')
  })
  app.get('/out', async (req, res) => {
    await req.logOut({ keepSessionInfo: true })
    res.send('out')
  })
  const browser = (await start())()
  await browser.get('/set?cart=book')
  await browser.get('/anew')
  expect((await browser.get('/me')).text).toBe('{"user":{"id":7},"subject":"7"}')
  expect((await browser.get('/data')).text).toBe('{"passport":{"user":7}}')
  await browser.get('/out')
  expect((await browser.get('/data')).text).toBe('{}')
})

describe('what serializeUser gives', () => {
  test.each<[text: string, given: unknown, subject: string, options: PassportSessionOptions]>([
    ['text', 'ann', 'ann', {}],
    ['a number', 42, '42', {}],
    ['0', 0, '0', {}],
    [
      'an object with a subject',
      { id: 7, role: 'admin' },
      'user-7',
      { subject: (each) => `user-${(each as { id: number }).id}` },
    ],
    ['text with a subject', 'ann', 'user:ann', { subject: (each) => `user:${String(each)}` }],
  ])('%s comes back to deserializeUser as it was', async (_, given, subject, options) => {
    const { app, auth, start, sessions } = served(options)
    auth.serializeUser((_user, done) => done(null, given))
    const seen: unknown[] = []
    auth.deserializeUser((serialized: unknown, done) => {
      seen.push(serialized)
      done(null, { id: 'found' })
    })
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    // From an anonymous session, from nothing, and from another user's.
    await browser.get('/set?cart=book')
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/me')).text).toBe(`{"user":{"id":"found"},"subject":${JSON.stringify(subject)}}`)
    expect(seen).toEqual([given])
    expect(await Array.fromAsync(sessions.listSubject(subject))).toHaveLength(1)
  })

  test('comes back as a number if it is a number and another user was signed in before', async () => {
    const { app, auth, start } = served()
    auth.serializeUser((user: User, done) => done(null, Number(user.id)))
    auth.deserializeUser((id: unknown, done) => done(null, { id }))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    await browser.post('/login', RIGHT('1'))
    await browser.post('/login', RIGHT('2'))
    expect((await browser.get('/me')).text).toBe('{"user":{"id":2},"subject":"2"}')
  })

  test('is stored if the schema has a key for it', async () => {
    const schema = z.object({ passport: z.object({ user: z.number() }).optional() })
    const sessions = createSessions({ store: memoryStore(), log: false, schema })
    const { app, auth, start } = served({ sessions: sessions as never })
    auth.serializeUser((user: User, done) => done(null, Number(user.id)))
    auth.deserializeUser((id: unknown, done) => done(null, { id }))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    await browser.post('/login', RIGHT('1'))
    expect((await browser.get('/me')).text).toBe('{"user":{"id":1},"subject":"1"}')
  })

  test('is ignored if it belongs to another subject', async () => {
    const { app, auth, start } = served()
    auth.deserializeUser((id: unknown, done) => done(null, { id }))
    app.get('/login', async (req, res) => {
      Object.assign(req.session.data, { passport: { user: 1 } })
      await req.session.login('2')
      res.send('in')
    })
    const browser = (await start())()
    await browser.get('/login')
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"2"},"subject":"2"}')
  })

  test.each<[text: string, given: unknown, options: PassportSessionOptions, message: string]>([
    ['an object', { id: 1 }, {}, "serializeUser gave an object, which is not a user's ID: give text or a whole number"],
    ['a list', ['ann'], {}, 'serializeUser gave a list'],
    ['a fraction', 1.5, {}, 'serializeUser gave a number'],
    ['true', true, {}, 'serializeUser gave a boolean'],
    [
      'a subject that is none',
      'ann',
      { subject: () => undefined as unknown as string },
      'subject(serialized) must return',
    ],
    ['empty text', '', {}, 'no serializer gave a value for the user: call passport.serializeUser()'],
  ])('%s is refused by name, and nobody is signed in', async (_, given, options, message) => {
    const { app, auth, sessions, start } = served(options)
    auth.serializeUser((_user, done) => done(null, given))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    const { status, text } = await browser.post('/login', RIGHT('ann'))
    expect([status, text]).toEqual([500, expect.stringMatching(/^invalid_option: /)])
    expect(text).toContain(message)
    expect(await sessions.count()).toBe(0)
  })
})

describe('errors', () => {
  test('for a missing serializer or deserializer say what to call', async () => {
    const { app, auth, start, sessions } = served()
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    const login = await browser.post('/login', RIGHT('ann'))
    expect(login.text).toBe(
      'invalid_option: no serializer gave a value for the user: call passport.serializeUser() with a function that gives a value',
    )
    auth.serializeUser((user: User, done) => done(null, user.id))
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/me')).text).toContain('call passport.deserializeUser()')
    expect(await sessions.count()).toBe(1)
  })

  test('of the application’s functions are passed on, and leave nobody signed in or the session unchanged', async () => {
    const each = served()
    const { app, auth, start, sessions } = each
    let failing = true
    auth.serializeUser((user: User, done) => (failing ? done(new Error('mine')) : done(null, user.id)))
    auth.deserializeUser((id, done) => (failing ? done(new Error('the database is away')) : done(null, { id })))
    app.post('/login', (req, res, next) => {
      req.logIn({ id: 'ann' } as User, (error: Error) => {
        if (error && req.query['seen'] === undefined) return next(error)
        res.json([req.user ?? null, req.isAuthenticated()])
      })
    })
    const browser = (await start())()
    await browser.get('/set?cart=book')
    expect((await browser.post('/login')).text).toBe('error: mine')
    expect((await browser.post('/login?seen')).text).toBe('[null,false]')
    expect((await browser.get('/data')).text).toBe('{"cart":"book"}')
    failing = false
    await browser.post('/login')
    failing = true
    expect((await browser.get('/me')).text).toBe('error: the database is away')
    failing = false
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toHaveLength(1)
  })

  test('of the store leave the visitor with the data and without a user', async () => {
    const store = memoryStore()
    const each = served({ sessions: createSessions({ store, log: false }) })
    byId(each)
    const { app, auth, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    await browser.get('/set?cart=book')
    const create = vi.spyOn(store, 'create').mockRejectedValue(new Error('down'))
    const { status } = await browser.post('/login', RIGHT('ann'))
    create.mockRestore()
    expect(status).toBe(503)
    expect((await browser.get('/data')).text).toBe('{"cart":"book"}')
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
  })

  test('for a request without a session say what is missing', async () => {
    const app = express()
    app.use(passportSession(new passport.Passport()))
    app.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => void res.send(error.message))
    expect((await new Browser(await listen(app)).get('/')).text).toBe(
      'req.session is not a session of @sess: use session(sessions) of @sess/express before passportSession(passport)',
    )
    const auth = new passport.Passport()
    passportSession(auth)
    const other = express()
    other.use(auth.session())
    other.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => void res.send(error.message))
    expect((await new Browser(await listen(other)).get('/')).text).toContain('use passportSession(passport)')
  })

  test.each<[passport: unknown, options: object, message: string]>([
    [undefined, {}, 'passport must be what'],
    [{}, {}, 'passport must be what'],
    [
      passport,
      { keepSessionInfo: true },
      'keepSessionInfo is no option of passportSession(): it is an option of passport',
    ],
    [passport, { pauseStream: true }, 'pauseStream is no option of passportSession(): a request body always waits'],
    [passport, { compat: false }, 'compat is no option of passportSession(): its effect is always on'],
    [passport, { key: 'x' }, 'key is no option of passportSession(): Passport keeps its values'],
    [passport, { subject: 'id' }, 'subject must be a function'],
    [passport, { login: undefined }, 'login must be a function'],
    [passport, { userProperty: '' }, 'userProperty must be text'],
  ])('of misuse name it: %#', (passport, options, message) => {
    expect(() => passportSession(passport as PassportInstance, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) as unknown }),
    )
  })
})

describe('the user', () => {
  test('is signed out if the user no longer exists', async () => {
    const { app, auth, start, sessions } = served()
    auth.serializeUser((user: User, done) => done(null, user.id))
    auth.deserializeUser((_id, done) => done(null, false))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
    expect([browser.cookies.size, await sessions.count()]).toEqual([0, 0])
  })

  test('is on the property that userProperty names', async () => {
    const each = served({ userProperty: 'account' })
    byId(each)
    const { app, auth, start } = each
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    app.get(
      '/seen',
      (req, res) => void res.json([(req as { account?: unknown }).account, 'user' in req, req.isAuthenticated()]),
    )
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/seen')).text).toBe('[{"id":"ann"},false,true]')
  })

  test('is looked up once, with the request, even if passport.initialize() and passport.session() are also used', async () => {
    const { app, auth, start } = served()
    auth.serializeUser((user: User, done) => done(null, user.id))
    const lookUp = vi.fn((id: string, req: express.Request) => ({ id: `${id} at ${req.path}` }))
    // Passport hands the request to functions with three parameters.
    auth.deserializeUser((req: express.Request, id: string, done: (error: unknown, user: object) => void) =>
      done(null, lookUp(id, req)),
    )
    app.use(auth.initialize(), auth.session({ pauseStream: true }))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    app.get('/seen', (req, res) => void res.json(req.user))
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/seen')).text).toBe('{"id":"ann at /seen"}')
    expect(lookUp).toHaveBeenCalledOnce()
  })

  test('is looked up without losing the body of a request that already flows', async () => {
    const each = served({ between: (req, _res, next) => (req.on('data', () => {}), next()) })
    const { app, auth, start } = each
    auth.serializeUser((user: User, done) => done(null, user.id))
    auth.deserializeUser((id, done) => void setImmediate(() => done(null, { id })))
    app.get('/login', async (req, res) => {
      await req.logIn({ id: 'ann' } as User)
      res.send('in')
    })
    app.post('/echo', (req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => void res.send(Buffer.concat(chunks)))
    })
    const browser = (await start())()
    await browser.get('/login')
    expect((await browser.send('/echo', { method: 'POST', body: 'body' })).text).toBe('body')
  })
})

describe('what caches may keep', () => {
  test('is a page that does not read the user, if nobody is signed in', async () => {
    const each = served()
    byId(each)
    const { app, auth, start } = each
    app.get('/plain', (_req, res) => void res.send('plain'))
    app.get('/looks', (req, res) => void res.send(String(req.isAuthenticated())))
    app.post('/login', auth.authenticate('local', { successRedirect: '/' }))
    const browser = (await start())()
    expect((await browser.get('/plain')).headers.get('vary')).toBeNull()
    for (const path of ['/looks', '/me']) expect((await browser.get(path)).headers.get('cache-control')).toBe('private')
    await browser.post('/login', RIGHT('ann'))
    const { headers } = await browser.get('/plain')
    expect([headers.get('vary'), headers.get('cache-control')]).toEqual(['Cookie', 'private'])
  })
})
