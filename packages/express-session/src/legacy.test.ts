import { promisify } from 'node:util'
import { memoryStore } from '@sess/core'
import { redisStore } from '@sess/node-redis'
import { startRedis } from '@sess/test-servers'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sum } from '@sess/core/adapter'
import { Browser, Gate, serve } from '../test/browser.ts'
import { expressApp } from '../test/express-app.ts'
import { SessStore, type LegacyStore } from './index.ts'

const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }

/** express-session's own store, with a gate at its answer. */
class SlowStore extends session.MemoryStore {
  gate: Gate | undefined
  override get(id: string, callback: (error: unknown, session?: session.SessionData | null) => void): void {
    super.get(id, (error: unknown, found?: session.SessionData | null) => {
      const { gate } = this
      this.gate = undefined
      void (async () => {
        await gate?.pass()
        callback(error, found)
      })()
    })
  }
}

const setIn = (store: session.MemoryStore, id: string, data: object): Promise<unknown> =>
  promisify((done: (error: unknown, value: unknown) => void) =>
    store.set(id, data as session.SessionData, (error: unknown) => done(error, undefined)),
  )()

test('a session moves at the next request of its browser, and from then on is only in the new store', async () => {
  const legacy = new session.MemoryStore()
  await setIn(legacy, 'old', { cookie, user: 'ada' })
  const store = new SessStore({ store: memoryStore(), legacy: legacy as LegacyStore })
  expect(await store.get('old')).toMatchObject({ user: 'ada', cookie })
  expect(await promisify(legacy.all.bind(legacy))()).toEqual({})
  expect(await store.get('old')).toMatchObject({ user: 'ada' })
  expect(await store.get('unknown')).toBeNull()
})

test('a logout ends the session in both stores, even if another request has just read it from the old store', async () => {
  const legacy = new SlowStore()
  await setIn(legacy, 'old', { cookie, user: 'ada' })
  const store = new SessStore({ store: memoryStore(), legacy: legacy as LegacyStore })
  const gate = (legacy.gate = new Gate())
  const late = store.get('old')
  await gate.reached
  await store.destroy('old')
  gate.open()
  expect(await late).toBeNull()
  expect(await store.get('old')).toBeNull()
})

test('two requests that move the same session at once both find it', async () => {
  const legacy = new SlowStore()
  await setIn(legacy, 'old', { cookie, user: 'ada' })
  const store = new SessStore({ store: memoryStore(), legacy: legacy as LegacyStore })
  const gate = (legacy.gate = new Gate())
  const late = store.get('old')
  await gate.reached
  const first = (await store.get('old'))!
  await store.set('old', Object.assign(first, { cart: 1 }))
  gate.open()
  expect(await late).toMatchObject({ user: 'ada', cart: 1 })
})

test('if the old store cannot delete the session, it does not move', async () => {
  const legacy = new session.MemoryStore()
  await setIn(legacy, 'old', { cookie, user: 'ada' })
  const destroy = legacy.destroy.bind(legacy)
  legacy.destroy = (_id, done) => done?.(new Error('the old store is down'))
  const sessions = memoryStore()
  const store = new SessStore({ store: sessions, legacy: legacy as LegacyStore })
  await expect(store.get('old')).rejects.toThrow('the old store is down')
  expect(await sum(sessions.count!(Date.now()))).toBe(0)
  legacy.destroy = destroy
  expect(await store.get('old')).toMatchObject({ user: 'ada' })
})

if (process.env['SESS_STORES']?.includes('redis') ?? true) {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => void (server = await startRedis()))
  afterAll(() => server[Symbol.asyncDispose]())

  test('a move from connect-redis: browsers stay signed in, and signed out after a logout', async () => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` })
    await client.connect()
    // The client that the app had, for both, as docs/migrating-from-connect-redis.md has it.
    const store = redisStore(client)
    const legacy = new RedisStore({ client })
    const ada = new Browser('')
    const options = { cookie: { maxAge: 600_000 } }
    {
      await using before = await serve(expressApp(legacy as never, options))
      const browser = new Browser(before.url)
      await browser.post('/login', { user: 'ada' })
      ada.cookie = browser.cookie
    }
    await using after = await serve(expressApp(new SessStore({ store, legacy }), options))
    const browser = new Browser(after.url)
    browser.cookie = ada.cookie
    expect((await browser.get('/get')).body).toMatchObject({ user: 'ada' })
    // It has moved: the old store's key is gone, and what is there now has no ID in its key.
    const [key, ...others] = await client.keys('*')
    expect([key, others]).toEqual([expect.stringMatching(/^sess:\{[\w-]{12}\}[\w-]{16}$/), []])
    await browser.post('/set', { cart: 'book' })
    expect((await browser.get('/get')).body).toMatchObject({ user: 'ada', cart: 'book' })
    expect(browser.cookie).toBe(ada.cookie)
    const old = browser.copy()
    await browser.post('/logout')
    expect((await old.get('/get')).body).not.toHaveProperty('user')
    client.destroy()
  })
}
