import { memoryStore, SessError } from '@sess/core'
import express from 'express'
import session from 'express-session'
import { describe, expect, test } from 'vitest'
import { sum } from '@sess/core/adapter'
import { Browser, Gate, serve } from '../test/browser.ts'
import { expressApp, own } from '../test/express-app.ts'
import { stores } from '../test/stores.ts'
import { SessStore } from './index.ts'

describe.each(Object.entries(stores))('express-session on %s', (_name, open) => {
  test('two simultaneous requests that change different keys, or delete one, both take effect', async () => {
    await using opened = await open()
    const gate = new Gate()
    await using app = await serve(expressApp(new SessStore({ store: opened.store }), {}, gate))
    const browser = new Browser(app.url)
    await browser.post('/set', { a: '1', b: '1', c: '1' })
    const slow = browser.copy().post('/set-slowly', { a: '2' })
    await gate.reached
    await browser.post('/set', { b: '2' })
    await browser.post('/delete', { c: '' })
    gate.open()
    await slow
    expect((await browser.get('/get')).body).toMatchObject({ a: '2', b: '2' })
    expect((await browser.get('/get')).body).not.toHaveProperty('c')
  })

  test('a session stays dead after its logout, whatever requests are still in flight', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    const gone: string[] = []
    store.on('gone', ({ handle }) => gone.push(handle))
    const gate = new Gate()
    await using app = await serve(expressApp(store, {}, gate))
    const browser = new Browser(app.url)
    await browser.post('/login', { user: 'ada' })
    const old = browser.copy()
    const slow = browser.copy().post('/set-slowly', { a: '1' })
    await gate.reached
    await browser.post('/logout')
    gate.open()
    expect((await slow).status).toBe(200)
    expect(gone).toEqual([expect.stringMatching(/^[\w-]{28}$/)])
    expect((await old.get('/get')).body).not.toHaveProperty('user')
    expect(await store.length()).toBe(0)
  })

  test('the old ID stays dead after regenerate, and the new session stays as it is', async () => {
    await using opened = await open()
    const gate = new Gate()
    await using app = await serve(expressApp(new SessStore({ store: opened.store }), {}, gate))
    const browser = new Browser(app.url)
    await browser.post('/set', { cart: 'book' })
    const old = browser.copy()
    const slow = browser.copy().post('/set-slowly', { a: '1' })
    await gate.reached
    await browser.post('/login', { user: 'ada' })
    gate.open()
    await slow
    const before = (await old.get('/get')).body
    expect(before).not.toHaveProperty('cart')
    expect(before).not.toHaveProperty('user')
    expect((await browser.get('/get')).body).toMatchObject({ user: 'ada' })
  })

  test('an unknown ID with a valid signature is not adopted', async () => {
    await using opened = await open()
    await using app = await serve(expressApp(new SessStore({ store: opened.store })))
    const browser = new Browser(app.url)
    await browser.post('/set', { a: '1' })
    const ended = browser.cookie
    await browser.post('/logout')
    browser.cookie = ended
    await browser.post('/set', { a: '2' })
    expect(browser.cookie).not.toBe(ended)
    browser.cookie = ended
    expect((await browser.get('/get')).body).not.toHaveProperty('a')
  })

  test('save() in the middle of a request, changes after it, and reload() work', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    const app = express()
    app.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false }))
    app.post('/twice', (req, res) => {
      own(req)['first'] = 1
      own(req).save(() => {
        own(req)['second'] = 2
        res.json({})
      })
    })
    app.post('/reload', (req, res) => {
      own(req)['first'] = 'not kept'
      own(req).reload(() => {
        own(req)['third'] = 3
        res.json({})
      })
    })
    app.get('/', (req, res) => void res.json(own(req)))
    await using served = await serve(app)
    const browser = new Browser(served.url)
    await browser.post('/twice')
    await browser.post('/reload')
    expect((await browser.get('/')).body).toMatchObject({ first: 1, second: 2, third: 3 })
    expect(await store.length()).toBe(1)
  })

  test.each(['destroy', 'regenerate'] as const)(
    'what a request has taken away by %s is not saved by it',
    async (how) => {
      await using opened = await open()
      const store = new SessStore({ store: opened.store })
      const app = express()
      app.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false }))
      app.post('/', (req, res) => {
        const before = own(req)
        before['a'] = 1
        before[how](() => void before.save(() => before.save(() => res.json({}))))
      })
      await using served = await serve(app)
      expect((await new Browser(served.url).post('/')).status).toBe(200)
      // After regenerate express-session saves the new one.
      expect(await store.length()).toBe(how === 'destroy' ? 0 : 1)
    },
  )

  test.each([
    { saveUninitialized: true, resave: true, stored: 1 },
    { saveUninitialized: true, resave: false, stored: 1 },
    { saveUninitialized: false, resave: true, stored: 0 },
    { saveUninitialized: false, resave: false, stored: 0 },
  ])(
    'saveUninitialized $saveUninitialized, resave $resave: $stored stored by a visit',
    async ({ stored, ...options }) => {
      await using opened = await open()
      const store = new SessStore({ store: opened.store })
      await using app = await serve(expressApp(store, options))
      const browser = new Browser(app.url)
      const { body } = await browser.get('/get')
      expect(await store.length()).toBe(stored)
      expect(browser.cookie !== '').toBe(stored === 1)
      await browser.post('/set', { a: '1' })
      const again = (await browser.get('/get')).body
      expect(again).toMatchObject({ a: '1' })
      expect(again['id'] === body['id']).toBe(stored === 1)
      expect(await store.length()).toBe(1)
    },
  )

  test.each(['ignore', 'throw'] as const)(
    'a request that lets its session expire ends it, and is not too late: onGone %s',
    async (onGone) => {
      await using opened = await open()
      const store = new SessStore({ store: opened.store, onGone })
      const events: string[] = []
      for (const name of ['gone', 'logout'] as const) store.on(name, () => events.push(name))
      await using app = await serve(expressApp(store))
      const browser = new Browser(app.url)
      await browser.post('/set', { user: 'ada' })
      const old = browser.copy()
      expect((await browser.post('/remember', { ms: '0' })).status).toBe(200)
      expect(events).toEqual(['logout'])
      expect((await old.get('/get')).body).not.toHaveProperty('user')
    },
  )

  test('the store lists all sessions without their IDs, counts and clears them', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await using app = await serve(expressApp(store))
    const [ada, bob, eve] = [new Browser(app.url), new Browser(app.url), new Browser(app.url)]
    await ada.post('/login', { user: 'ada' })
    await bob.post('/login', { user: 'bob' })
    await eve.post('/login', { user: 'eve' })
    await eve.post('/logout')
    const all = (await store.all()) as unknown as { user: string; id: string }[]
    expect(all.map(({ user }) => user).toSorted()).toEqual(['ada', 'bob'])
    expect(await store.length()).toBe(2)
    expect(await store.get(all[0]!.id)).toBeNull()
    expect(await store.revoke(all.find(({ user }) => user === 'bob')!.id)).toBe(true)
    expect((await bob.get('/get')).body).not.toHaveProperty('user')
    expect((await ada.get('/get')).body).toMatchObject({ user: 'ada' })
    await store.clear()
    expect((await ada.get('/get')).body).not.toHaveProperty('user')
    expect(await store.length()).toBe(0)
    expect(await sum(opened.store.count!(Date.now()))).toBe(0)
  })
})

/** An app whose saves fail, and that answers with as many bytes as it is asked for. */
function failingApp(handled: (error: unknown, headersSent: boolean) => void, ownHandler: boolean): express.Express {
  const down = memoryStore()
  down.create = () => Promise.reject(new SessError('store_unavailable', 'down'))
  const app = express()
  app.set('env', 'test')
  app.use(session({ store: new SessStore({ store: down }), secret: 's', resave: false, saveUninitialized: false }))
  app.get('/saved-before', (req, res, next) => {
    own(req)['a'] = 1
    own(req).save((error: unknown) => (error ? next(error) : res.send('saved')))
  })
  app.get('/:bytes', (req, res) => {
    own(req)['a'] = 1
    res.send('x'.repeat(Number(req.params.bytes)))
  })
  const handler: express.ErrorRequestHandler = (error, _req, res, next) => {
    handled(error, res.headersSent)
    if (!ownHandler) return next(error)
    if (!res.headersSent) res.status(503).send('down')
  }
  app.use(handler)
  return app
}

test.each([true, false])(
  'a save that fails late: the response is complete, its cookie opens no session, the error handler is called (the app’s own: %s)',
  async (ownHandler) => {
    for (const bytes of [2, 3000]) {
      const handled = Promise.withResolvers<readonly [unknown, boolean]>()
      await using app = await serve(failingApp((...what) => handled.resolve(what), ownHandler))
      const response = await fetch(`${app.url}/${bytes}`)
      expect(response.status).toBe(200)
      expect(await response.text()).toHaveLength(bytes)
      expect(response.headers.getSetCookie()).toHaveLength(1)
      expect(await handled.promise).toEqual([expect.objectContaining({ code: 'store_unavailable' }), true])
    }
  },
)

test('a save that fails late: the default handler of Express cuts a response that was not sent completely', async () => {
  await using app = await serve(failingApp(() => {}, false))
  const response = await fetch(`${app.url}/${2 ** 26}`)
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('save(callback) before the answer: the app gets the error in time', async () => {
  await using app = await serve(failingApp(() => {}, true))
  const response = await fetch(`${app.url}/saved-before`)
  expect(response.status).toBe(503)
})

test('a session of a megabyte or more is refused, unless the store accepts the size', async () => {
  for (const maxPayloadBytes of [undefined, 4 << 20]) {
    const store = new SessStore({ store: memoryStore(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }) })
    const saving = store.set('id', { cookie: {}, text: 'x'.repeat(1.1e6) } as never)
    if (maxPayloadBytes === undefined) await expect(saving).rejects.toMatchObject({ code: 'too_large' })
    else {
      await saving
      expect(await store.get('id')).toHaveProperty('text.length', 1.1e6)
    }
  }
})
