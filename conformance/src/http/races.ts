import assert from 'node:assert/strict'
import { row, text } from './app.ts'
import { meeting } from './meeting.ts'
import type { HttpCase } from './contract.ts'

let slow: ReturnType<typeof meeting>

/** The handler. A request of `/slow` waits in the middle, and other requests do not wait. */
const handler: Parameters<typeof row>[2] = async (session, { url }) => {
  if (url.endsWith('/slow')) {
    session.data['slow'] = 1
    await slow.arrive()
  } else if (url.endsWith('/login')) await session.login('ann')
  else if (url.endsWith('/logout')) await session.logout()
  else if (url.endsWith('/write')) session.data['quick'] = 1
  return text('ok')
}

/** Rows on requests at the same time. */
export const raceCases: readonly HttpCase[] = [
  row(
    'race/writes',
    'of two requests that write different keys at the same time both are kept',
    handler,
    async ({ begin, client, stored }) => {
      slow = meeting()
      const cookie = await begin()
      const { answer } = client.open('/app/slow', { cookie })
      await slow.arrived
      await client.ask('/app/write', { cookie })
      slow.go()
      await answer
      assert.deepEqual((await stored(cookie)).data, { n: 1, slow: 1, quick: 1 })
    },
  ),
  row(
    'race/logout',
    'a request in flight while another signs out brings nothing back, and sets no cookie',
    handler,
    async ({ begin, client, stored }) => {
      slow = meeting()
      const cookie = await begin({ n: 1 }, 'ann')
      const { answer } = client.open('/app/slow', { cookie })
      await slow.arrived
      await client.ask('/app/logout', { cookie })
      slow.go()
      assert.deepEqual((await answer).cookies, [])
      assert.equal((await stored(cookie)).status, 'new')
    },
  ),
  row(
    'race/login',
    'a request in flight while another signs in does not bring the old session back, and sets no cookie',
    handler,
    async ({ begin, client, stored }) => {
      slow = meeting()
      const old = await begin()
      const { answer } = client.open('/app/slow', { cookie: old })
      await slow.arrived
      const { cookie } = await client.ask('/app/login', { cookie: old })
      slow.go()
      assert.deepEqual((await answer).cookies, [])
      assert.deepEqual([(await stored(cookie)).subject, (await stored(old)).status], ['ann', 'superseded'])
    },
  ),
  row(
    'race/strangers',
    'requests of many visitors at the same time each see their own session',
    async (session) => {
      const before = session.data['n']
      await new Promise((resolve) => setImmediate(resolve))
      session.data['seen'] = before
      await session.commit()
      return text(`${String(before)} ${String(session.data['seen'])}`)
    },
    async ({ begin, get }) => {
      const cookies: string[] = []
      for (let n = 0; n < 20; n++) cookies.push(await begin({ n }))
      const bodies = await Promise.all(cookies.map(async (cookie) => (await get('/app', { cookie })).body))
      assert.deepEqual(
        bodies,
        cookies.map((_, n) => `${n} ${n}`),
      )
    },
  ),
]
