import { migrate, postgresStore } from '@sess/postgres'
import { startPostgres } from '@sess/test-servers'
import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { Browser, serve } from '../test/browser.ts'
import { expressApp } from '../test/express-app.ts'
import { SessStore } from './index.ts'

if (process.env['SESS_STORES']?.includes('postgres') ?? true) {
  test('a move from connect-pg-simple on the existing pool: browsers stay signed in, and signed out after a logout', async () => {
    await using server = await startPostgres()
    const pool = new Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' })
    const legacy = new (connectPgSimple(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false })
    const options = { cookie: { maxAge: 600_000 } }
    const cookies: string[] = []
    {
      await using before = await serve(expressApp(legacy as never, options))
      for (const user of ['ada', 'bob', 'eve']) {
        const browser = new Browser(before.url)
        await browser.post('/login', { user })
        cookies.push(browser.cookie)
      }
    }
    const left = async (): Promise<number> => (await pool.query('SELECT 1 FROM session')).rowCount!
    expect(await left()).toBe(3)

    await migrate(pool)
    const store = new SessStore({ store: postgresStore(pool), legacy, sweepEvery: false })
    await using after = await serve(expressApp(store, options))
    const [ada, bob, eve] = cookies.map((cookie) => {
      const browser = new Browser(after.url)
      browser.cookie = cookie
      return browser
    }) as [Browser, Browser, Browser]

    expect((await ada.get('/get')).body).toMatchObject({ user: 'ada' })
    expect(await left()).toBe(2)
    await ada.post('/set', { cart: 'book' })
    expect((await ada.get('/get')).body).toMatchObject({ user: 'ada', cart: 'book' })
    expect(ada.cookie).toBe(cookies[0])

    // One that has moved, and one that has not been seen since.
    for (const browser of [ada, bob]) {
      const old = browser.copy()
      await browser.post('/logout')
      expect((await old.get('/get')).body).not.toHaveProperty('user')
    }
    expect(await left()).toBe(1)
    expect((await eve.get('/get')).body).toMatchObject({ user: 'eve' })
    expect(await left()).toBe(0)
    legacy.close()
    await pool.end()
  })
}
