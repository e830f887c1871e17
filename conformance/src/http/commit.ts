import assert from 'node:assert/strict'
import { eventually, fields, row, text } from './app.ts'
import type { Ask, Client } from './client.ts'
import type { HttpCase } from './contract.ts'
import { meeting } from './meeting.ts'

let left: ReturnType<typeof meeting>

/** Rows on writes before the first byte of the answer. */
export const commitCases: readonly HttpCase[] = [
  row(
    'commit/before-the-first-byte',
    'no byte of the answer leaves before the session is stored',
    (session) => {
      session.data['n'] = 2
      return text('done')
    },
    async ({ begin, hold, client, stored }) => {
      const cookie = await begin()
      const { reached, release } = hold('replace')
      const { head, answer } = client.open('/app', { cookie })
      let arrived = false
      void head.then(() => (arrived = true))
      await reached
      // Meanwhile a request on another connection is answered.
      await client.ask('/nowhere')
      assert.equal(arrived, false, 'the head arrived before the write was acknowledged')
      release()
      assert.deepEqual([(await answer).body, (await stored(cookie)).data], ['done', { n: 2 }])
    },
  ),
  row(
    'commit/redirect',
    'what a redirect leads to sees what was changed before it',
    (session, { url }) => {
      if (url === '/app/next') return text(String(session.data['n']))
      session.data['n'] = 2
      return { status: 302, headers: [['location', '/app/next']] }
    },
    async ({ get }) => {
      const { status, headers, cookie } = await get()
      assert.deepEqual([status, headers.location, headers['cache-control']], [302, '/app/next', 'private, no-store'])
      assert.equal((await get(headers.location, { cookie })).body, '2')
    },
  ),
  row(
    'commit/stream',
    'an answer that comes in pieces is committed before the first',
    (session) => {
      session.data['n'] = 2
      return { body: pieces('a', 'b', 'c') }
    },
    async ({ get, stored }) => {
      const { body, whole, cookie } = await get()
      assert.deepEqual([body, whole, (await stored(cookie)).data], ['abc', true, { n: 2 }])
    },
  ),
  ...[204, 304].map((status) =>
    row(
      `commit/status-${status}`,
      `an answer of ${status}, which has no body, is committed, and keeps its fields`,
      (session) => {
        session.data['n'] = 2
        return { status, headers: [['etag', '"1"']] }
      },
      async ({ get, stored }) => {
        const { status: sent, headers, body, cookie } = await get()
        assert.deepEqual([sent, headers.etag, body], [status, '"1"', ''])
        assert.deepEqual((await stored(cookie)).data, { n: 2 })
      },
    ),
  ),
  row(
    'commit/head',
    'an answer to HEAD is committed, has the same fields as one to GET, and no body',
    (session) => {
      session.data['n'] = 2
      return text('body')
    },
    async ({ get, stored }) => {
      const { status, headers, body, cookie } = await get('/app', { method: 'HEAD' })
      assert.deepEqual(
        [status, body, headers['vary'], headers['cache-control']],
        [200, '', 'Cookie', 'private, no-store'],
      )
      assert.deepEqual((await stored(cookie)).data, { n: 2 })
    },
  ),
  row(
    'commit/range',
    'a part of a body stays the part that it is',
    (session) => {
      session.data['n'] = 2
      return {
        status: 206,
        headers: [
          ['content-range', 'bytes 1-3/10'],
          ['content-length', '3'],
          ['accept-ranges', 'bytes'],
        ],
        body: 'bcd',
      }
    },
    async ({ get, stored }) => {
      const { status, headers, body, whole, cookie } = await get('/app', { headers: { range: 'bytes=1-3' } })
      assert.deepEqual([status, headers['content-range'], body, whole], [206, 'bytes 1-3/10', 'bcd', true])
      assert.equal(headers['content-length'], '3')
      assert.deepEqual((await stored(cookie)).data, { n: 2 })
    },
  ),
  row(
    'commit/length-of-a-stream',
    'a body in pieces whose length the handler said keeps its length and type',
    (session) => {
      session.data['n'] = 2
      return {
        headers: [
          ['content-length', '3'],
          ['content-type', 'image/png'],
        ],
        body: pieces('a', 'b', 'c'),
      }
    },
    async ({ get }) => {
      const { headers, body, whole } = await get()
      const { 'content-length': length, 'content-type': type } = headers
      assert.deepEqual([length, type, body, whole], ['3', 'image/png', 'abc', true])
    },
  ),
  row(
    'commit/by-hand',
    'a commit of the handler is not done again, and its cookie is sent once',
    async (session) => {
      session.data['n'] = 2
      const { status } = await session.commit()
      return text(status)
    },
    async ({ get, calls }) => {
      const { body, cookies } = await get()
      assert.deepEqual([body, cookies.length, calls], ['created', 1, ['create']])
    },
  ),
  row(
    'commit/round-trips',
    'nothing is written for nothing: an anonymous look costs no call, a look one, a write two, a sign-in three, a sign-out two',
    async (session, { url }) => {
      if (url.endsWith('/write')) session.data['n'] = 2
      if (url.endsWith('/login')) await session.login('ann')
      if (url.endsWith('/logout')) await session.logout()
      return text(String(session.data['n']))
    },
    async ({ begin, get, calls }) => {
      await get()
      assert.deepEqual(calls, [])
      let cookie = await begin()
      const seen: string[][] = []
      for (const path of ['', '/write', '/login', '/logout']) {
        calls.length = 0
        cookie = (await get(`/app${path}`, { cookie })).cookie || cookie
        seen.push([...calls])
      }
      assert.deepEqual(seen, [['read'], ['read', 'replace'], ['read', 'create', 'replace'], ['read', 'delete']])
    },
  ),
  row(
    'commit/nobody-awaited',
    'an operation that nobody awaited is waited for',
    (session) => {
      void session.login('ann')
      return text('welcome')
    },
    async ({ begin, get, stored }) => {
      const { body, cookie } = await get('/app', { cookie: await begin() })
      assert.equal(body, 'welcome')
      assert.deepEqual(await stored(cookie), { status: 'active', subject: 'ann', data: { n: 1 } })
    },
  ),
  row(
    'commit/not-found',
    'the framework’s own 404 is left alone',
    () => text('never asked'),
    async ({ begin, get, calls }) => {
      const cookie = await begin()
      const answer = await get('/nowhere', { cookie })
      assert.deepEqual([answer.status, ...fields(answer)], [404, undefined, undefined, 0])
      assert.ok(calls.every((call) => call === 'read'))
    },
  ),
  row(
    'commit/upgrade-refused',
    'a request to upgrade the connection that is answered as any other is committed, and has its cookie',
    (session) => {
      session.data['n'] = 2
      return text('no')
    },
    async ({ client, stored }) => {
      const answer = await client.raw('GET /app HTTP/1.1\nHost: a\nConnection: Upgrade, close\nUpgrade: websocket\n\n')
      const cookie = /^set-cookie: (sid=[\w-]{60});/im.exec(answer)?.[1] ?? ''
      assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.deepEqual((await stored(cookie)).data, { n: 2 })
    },
  ),
  row(
    'commit/pipelined',
    'requests that wait on one connection are answered in order, each with its own session',
    (session, { url }) => {
      session.data['n'] = url
      return text(`<${url}>`)
    },
    async ({ client, stored }) => {
      const ask = (path: string, close = false): string =>
        `GET ${path} HTTP/1.1\nHost: a\n${close ? 'Connection: close\n' : ''}\n`
      const answers = await client.raw(ask('/app/1') + ask('/app/2') + ask('/app/3', true))
      const bodies = [...answers.matchAll(/<([^>]+)>/g)].map(([, body]) => body)
      const cookies = [...answers.matchAll(/^set-cookie: (sid=[\w-]{60});/gim)].map(([, cookie]) => cookie!)
      assert.deepEqual(bodies, ['/app/1', '/app/2', '/app/3'])
      const data = await Promise.all(cookies.map(async (cookie) => (await stored(cookie)).data['n']))
      assert.deepEqual(data, bodies)
    },
  ),
  row(
    'commit/client-gone',
    'the client goes away before the answer: what a stored session had changed is stored, a new one is not made',
    async (session) => {
      session.data['n'] = 2
      await left.arrive()
      return text('nobody reads this')
    },
    async ({ begin, client, calls, stored, errors, events }) => {
      const cookie = await begin()
      for (const ask of [{ cookie }, {}]) await leave(client, ask)
      await eventually(async () => (await stored(cookie)).data, { n: 2 })
      assert.ok(!calls.includes('create'), 'a session was made whose cookie cannot arrive')
      assert.deepEqual([errors, events], [[], []])
    },
  ),
  row(
    'commit/client-gone-before-use',
    'the client has gone before the session is used for the first time: the same',
    async (_session, asked) => {
      await left.arrive()
      asked.session().data['n'] = 2
      return text('nobody reads this')
    },
    async ({ begin, client, calls, stored, errors, events }) => {
      const cookie = await begin()
      for (const ask of [{ cookie }, {}]) await leave(client, ask)
      await eventually(async () => (await stored(cookie)).data, { n: 2 })
      assert.ok(!calls.includes('create'), 'a session was made whose cookie cannot arrive')
      assert.deepEqual([errors, events], [[], []])
    },
    { asksLate: true },
  ),
]

/** Sends a request, and closes its connection while the handler runs. The handler then goes on. */
async function leave(client: Client, ask: Ask): Promise<void> {
  left = meeting()
  const { request } = client.open('/app', ask)
  await left.arrived
  request.on('error', () => {}).destroy()
  // No event tells that the server has seen the end of the connection. It has after some requests on other connections.
  for (let i = 0; i < 20; i++) await client.ask('/nowhere')
  left.go()
  for (let i = 0; i < 5; i++) await client.ask('/nowhere')
}

/** Makes a body in pieces, each in its own turn of the event loop. */
export async function* pieces(...texts: readonly string[]): AsyncIterable<string> {
  for (const piece of texts) {
    await new Promise((resolve) => setImmediate(resolve))
    yield piece
  }
}
