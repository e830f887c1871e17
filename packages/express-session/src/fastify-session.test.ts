import { memoryStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { Browser, Gate } from '../test/browser.ts'
import { serveFastify } from '../test/fastify-app.ts'
import { stores } from '../test/stores.ts'
import { SessStore } from './index.ts'

const NAME = 'sessionId'

describe.each(Object.entries(stores))('@fastify/session on %s', (_name, open) => {
  test('two simultaneous requests that change different keys, or delete one, both take effect', async () => {
    await using opened = await open()
    const gate = new Gate()
    await using app = await serveFastify(new SessStore({ store: opened.store }), {}, gate)
    const browser = new Browser(app.url, NAME)
    await browser.post('/set', { a: '1', b: '1', c: '1' })
    const slow = browser.copy().post('/set-slowly', { a: '2' })
    await gate.reached
    await browser.post('/set', { b: '2' })
    await browser.post('/delete', { c: '' })
    gate.open()
    await slow
    const { body } = await browser.get('/get')
    expect(body).toMatchObject({ a: '2', b: '2' })
    expect(body).not.toHaveProperty('c')
  })

  test('a session stays dead after its logout, and so does the old ID after regenerate', async () => {
    for (const ending of ['/logout', '/login']) {
      await using opened = await open()
      const store = new SessStore({ store: opened.store })
      const gone: unknown[] = []
      store.on('gone', (event) => gone.push(event))
      const gate = new Gate()
      await using app = await serveFastify(store, {}, gate)
      const browser = new Browser(app.url, NAME)
      await browser.post('/login', { user: 'ada' })
      const old = browser.copy()
      const slow = browser.copy().post('/set-slowly', { a: '1' })
      await gate.reached
      await browser.post(ending, { user: 'bob' })
      gate.open()
      await slow
      expect(gone).toHaveLength(1)
      expect((await old.get('/get')).body).not.toHaveProperty('user')
      expect(await store.length()).toBe(ending === '/login' ? 1 : 0)
    }
  })

  test('an unknown ID with a valid signature is not adopted', async () => {
    await using opened = await open()
    await using app = await serveFastify(new SessStore({ store: opened.store }))
    const browser = new Browser(app.url, NAME)
    await browser.post('/set', { a: '1' })
    const ended = browser.cookie
    await browser.post('/logout')
    browser.cookie = ended
    await browser.post('/set', { a: '2' })
    expect(browser.cookie).not.toBe(ended)
    browser.cookie = ended
    expect((await browser.get('/get')).body).not.toHaveProperty('a')
  })

  test('a handler that sends without returning its reply: each request is answered, and the process lives', async () => {
    await using opened = await open()
    await using app = await serveFastify(new SessStore({ store: opened.store }))
    const browser = new Browser(app.url, NAME)
    for (const a of ['1', '2', '3'])
      expect(await browser.post('/send', { a })).toMatchObject({ status: 200, body: { text: 'sent' } })
    expect((await browser.get('/get')).body).toMatchObject({ a: '3' })
  })

  test('save() in the middle of a request, changes after it, and reload() work, with the default options too', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await using app = await serveFastify(store, { saveUninitialized: true, cookie: { secure: false, maxAge: 60_000 } })
    const browser = new Browser(app.url, NAME)
    await browser.get('/get')
    await browser.post('/save', { a: '1' })
    await browser.post('/reload', { b: '2' })
    const { body } = await browser.get('/get')
    expect(body).toMatchObject({ a: '1', after: 'save', b: '2' })
    expect(body).not.toHaveProperty('lost')
    expect(await store.length()).toBe(1)
  })
})

test('onGone that throws: the overtaken request answers 500, and does not overwrite the cookie of the sign-in', async () => {
  const gate = new Gate()
  await using app = await serveFastify(new SessStore({ store: memoryStore(), onGone: 'throw' }), {}, gate)
  const browser = new Browser(app.url, NAME)
  await browser.post('/set', { a: '1' })
  const late = browser.copy().post('/set-slowly', { a: '2' })
  await gate.reached
  await browser.post('/login', { user: 'ada' })
  gate.open()
  expect(await late).toMatchObject({
    status: 500,
    setCookie: undefined,
    body: { message: expect.stringMatching(/ended while/) },
  })
})
