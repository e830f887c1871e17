import passport, { Authenticator } from '@fastify/passport'
import { passportSession, stateStore, type FastifyPassport, type PassportSessionOptions } from '@sess/passport/fastify'
import fastify from 'fastify'
import OAuth2Strategy from 'passport-oauth2'
import { describe, expect, onTestFinished, test } from 'vitest'
import { byId, served } from '../test/fastify-app.ts'
import { oauthProvider } from '../test/oauth-provider.ts'

const RIGHT = (username: string): Record<string, string> => ({ username, password: 'right' })

describe('a user', () => {
  test('signs in, is the session’s subject in later requests, and signs out', async () => {
    const each = await served({ login: (_request, user) => ({ label: `of ${String((user as { id: unknown }).id)}` }) })
    byId(each)
    const { app, auth, sessions, start } = each
    const authenticate = auth.authenticate('local', { successRedirect: '/me', failureRedirect: '/no' })
    app.post('/login', { preValidation: authenticate }, async () => {})
    const browser = (await start())()
    await browser.get('/set?cart=book')
    const anonymous = browser.cookies.get('sid')
    expect((await browser.post('/login', { username: 'ann', password: 'wrong' })).location).toBe('/no')
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
    expect((await browser.post('/login', RIGHT('ann'))).location).toBe('/me')
    expect(browser.cookies.get('sid')).not.toBe(anonymous)
    expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
    expect((await browser.get('/data')).text).toBe('{}')
    const [info] = await Array.fromAsync(sessions.listSubject('ann'))
    expect(info!.label).toBe('of ann')
    expect((await browser.post('/logout')).text).toBe('out')
    expect([...browser.cookies]).toEqual([])
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toEqual([])
  })

  test('that replaces another user takes none of that user’s data; a number as ID comes back as a number', async () => {
    const { app, auth, start } = await served()
    auth.registerUserSerializer(async (user: { id: string }) => Number(user.id))
    auth.registerUserDeserializer(async (id: unknown) => ({ id }))
    app.get('/again', { preValidation: auth.authenticate('session') }, async (request) => request.user)
    const authenticate = auth.authenticate('local', { successRedirect: '/', keepSessionInfo: true })
    app.post('/login', { preValidation: authenticate }, async () => {})
    const browser = (await start())()
    await browser.get('/set?cart=book')
    await browser.post('/login', RIGHT('1'))
    expect((await browser.get('/data')).text).toBe('{"cart":"book","passport":{"user":1}}')
    await browser.post('/login', RIGHT('2'))
    expect((await browser.get('/me')).text).toBe('{"user":{"id":2},"subject":"2"}')
    expect((await browser.get('/data')).text).toBe('{"passport":{"user":2}}')
    expect((await browser.get('/again')).text).toBe('{"id":2}')
  })

  test('who no longer exists is signed out; a user whose lookup fails is not', async () => {
    const { app, auth, sessions, start } = await served()
    const answers: (() => unknown)[] = [() => ({ id: 'ann' }), () => Promise.reject(new Error('away')), () => null]
    auth.registerUserSerializer(async (user: { id: string }) => user.id)
    auth.registerUserDeserializer(async () => answers.shift()!())
    app.post('/login', { preValidation: auth.authenticate('local') }, async (request) => request.isAuthenticated())
    const browser = (await start())()
    expect((await browser.post('/login', RIGHT('ann'))).text).toBe('true')
    expect((await browser.get('/me')).text).toContain('ann')
    expect((await browser.get('/me')).status).toBe(500)
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toHaveLength(1)
    expect((await browser.get('/me')).text).toBe('{"user":null,"subject":null}')
    expect([browser.cookies.size, await sessions.count()]).toEqual([0, 0])
  })

  test('with session: false is signed in for its request only', async () => {
    const { app, auth, sessions, start } = await served()
    app.post('/login', { preValidation: auth.authenticate('local', { session: false }) }, async (request) => [
      request.user,
      request.isAuthenticated(),
      request.isUnauthenticated(),
    ])
    expect((await (await start())().post('/login', RIGHT('ann'))).text).toBe('[{"id":"ann"},true,false]')
    expect(await sessions.count()).toBe(0)
  })

  test('is not looked up if nobody is signed in and the handler does not ask', async () => {
    const { app, start } = await served()
    app.get('/plain', async () => 'plain')
    app.get('/looks', async (request) => request.isAuthenticated())
    const browser = (await start())()
    expect((await browser.get('/plain')).headers.get('vary')).toBeNull()
    expect((await browser.get('/looks')).headers.get('vary')).toBe('Cookie')
  })
})

test('messages and returnTo are read once', async () => {
  const each = await served()
  byId(each)
  const { app, auth, start } = each
  const authenticate = auth.authenticate('local', {
    failureFlash: 'Not so',
    failureMessage: true,
    failureRedirect: '/',
    successFlash: 'Hello',
    successMessage: true,
    successReturnToOrRedirect: '/home',
  })
  app.post('/login', { preValidation: authenticate }, async () => {})
  app.get('/flash', async (request, reply) => [
    reply.flash('error'),
    reply.flash('success'),
    request.session.flashed('error'),
  ])
  app.get('/leave', async (request) => [request.flash('a', ['one', 'two']), request.flash('a', '%s of %d', 'one', '2')])
  app.get('/take', async (_request, reply) => reply.flash('a'))
  app.get('/all', async (_request, reply) => reply.flash())
  const browser = (await start())()
  await browser.get('/set?returnTo=/cart')
  await browser.post('/login', { username: 'ann', password: 'wrong' })
  expect((await browser.get('/flash')).text).toBe('[["Not so"],[],[]]')
  expect((await browser.post('/login', RIGHT('ann'))).location).toBe('/cart')
  expect((await browser.get('/flash')).text).toBe('[[],["Hello"],[]]')
  expect((await browser.get('/data')).text).toBe('{"messages":["No such user or password","Welcome, ann"]}')
  expect((await browser.post('/login', RIGHT('ann'))).location).toBe('/home')
  expect((await browser.get('/leave')).text).toBe('[2,1]')
  expect((await browser.get('/take')).text).toBe('["one","two","one of 2"]')
  expect((await browser.get('/all')).text).toContain('flash() needs the name of the messages')
})

test.each<[text: string, ways: () => object]>([
  ['Passport’s own state', () => ({ state: true })],
  ['stateStore() and PKCE', () => ({ store: stateStore(), pkce: true })],
])('OAuth 2.0 with %s signs in who began, once, and nobody else', async (_, ways) => {
  const client = { id: 'shop', secret: 'a secret of the client' }
  const provider = await oauthProvider('ann', client)
  const each = await served()
  byId(each)
  const { app, auth, start } = each
  const options = {
    authorizationURL: provider.authorizationURL,
    tokenURL: provider.tokenURL,
    clientID: client.id,
    clientSecret: client.secret,
    callbackURL: 'https://shop.example/callback',
    skipUserProfile: true,
    ...ways(),
  } as OAuth2Strategy.StrategyOptions
  const verify = (_access: string, _refresh: string, _profile: unknown, done: OAuth2Strategy.VerifyCallback): void =>
    done(null, { id: 'ann' })
  auth.use(new OAuth2Strategy(options, verify) as never)
  app.get('/begin', { preValidation: auth.authenticate('oauth2') }, async () => {})
  app.get('/callback', { preValidation: auth.authenticate('oauth2') }, async (request) => request.user)
  const open = await start()
  const browser = open()
  const { headers } = await fetch((await browser.get('/begin')).location!, { redirect: 'manual' })
  const { pathname, search } = new URL(headers.get('location')!)
  expect((await open().get(pathname + search)).status).toBe(403)
  expect((await browser.get(pathname + search)).text).toBe('{"id":"ann"}')
  expect((await browser.get('/me')).text).toBe('{"user":{"id":"ann"},"subject":"ann"}')
  expect((await browser.get(pathname + search)).status).toBe(403)
})

describe('the error names the misuse:', () => {
  test.each<[text: string, given: unknown, options: PassportSessionOptions, message: string]>([
    ['an object', { id: 1 }, {}, 'serializeUser gave an object'],
    ['nothing', undefined, {}, 'no serializer gave a value for the user: call passport.registerUserSerializer()'],
    ['a subject that is none', 'ann', { subject: () => '' }, 'subject(serialized) must return'],
  ])('a serializer that gives %s', async (_, given, options, message) => {
    const { app, auth, sessions, start } = await served(options)
    auth.registerUserSerializer(async () => given)
    app.post('/login', { preValidation: auth.authenticate('local') }, async () => 'in')
    const { status, text } = await (await start())().post('/login', RIGHT('ann'))
    expect([status, text]).toEqual([500, expect.stringContaining(message)])
    expect(await sessions.count()).toBe(0)
  })

  test('no deserializer', async () => {
    const { app, auth, start } = await served()
    auth.registerUserSerializer(async (user: { id: string }) => user.id)
    app.post('/login', { preValidation: auth.authenticate('local') }, async () => 'in')
    const browser = (await start())()
    await browser.post('/login', RIGHT('ann'))
    expect((await browser.get('/me')).text).toContain('call passport.registerUserDeserializer()')
  })

  test('no session, or a second plugin', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    await expect(app.register(passportSession(new Authenticator()))).rejects.toThrow("The decorator 'session' required")
    const { app: twice, auth } = await served()
    await expect(twice.register(auth.initialize())).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
  })

  test.each<[passport: unknown, options: object, message: string]>([
    [undefined, {}, 'passport must be what'],
    [{ serializeUser() {} }, {}, 'passport must be what'],
    [passport, { userProperty: 'x' }, 'userProperty is no option of passportSession()'],
    [passport, { subject: 'id' }, 'subject must be a function'],
  ])('%#', (passport, options, message) => {
    expect(() => passportSession(passport as FastifyPassport, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) as unknown }),
    )
  })
})
