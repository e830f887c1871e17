import assert from 'node:assert/strict'
import { eventually, row } from './app.ts'
import type { Answer, Ask } from './client.ts'
import { pieces } from './commit.ts'
import type { HttpCase } from './contract.ts'
import { meeting } from './meeting.ts'
import type { Session } from '@sess/core'

/** Makes a body that changes the session after its first piece. */
async function* changing(session: Session, after: (session: Session) => unknown = () => {}): AsyncIterable<string> {
  yield* pieces('a')
  session.data['late'] = 1
  await after(session)
  yield* pieces('b')
}

const failing = async (): Promise<never> => {
  throw new Error('the source failed')
}

/** The body waits here until the client has the head. Before that a server may hold the head back and still set a cookie. */
let headSeen: ReturnType<typeof meeting>

const LARGE = 'x'.repeat(100_000)
let sent = 0

/** Rows on the time after the first byte of the answer. */
export const streamCases: readonly HttpCase[] = [
  row(
    'stream/late-change',
    'what changes while the body streams is stored before its end',
    (session) => {
      void session.data
      return { body: changing(session) }
    },
    async ({ begin, hold, client, stored }) => {
      const cookie = await begin()
      const { reached, release } = hold('replace')
      const { head, answer } = client.open('/app', { cookie })
      const message = await head
      await reached
      await client.ask('/nowhere')
      assert.equal(message.complete, false, 'the body ended before the write was acknowledged')
      release()
      const { body, whole } = await answer
      assert.deepEqual([body, whole, (await stored(cookie)).data], ['ab', true, { n: 1, late: 1 }])
    },
  ),
  row(
    'stream/first-use-late',
    'a first use while the body streams is stored, and is an event where a shared cache may keep the answer',
    (session, { url }) => ({
      headers: url.endsWith('/private') ? [['cache-control', 'private']] : [],
      body: changing(session),
    }),
    async ({ begin, get, events, stored }) => {
      const cookie = await begin()
      const { headers } = await get('/app', { cookie })
      assert.deepEqual([headers['vary'], headers['cache-control']], [undefined, undefined])
      assert.deepEqual([events, (await stored(cookie)).data], [['uncacheable_late'], { n: 1, late: 1 }])
      await get('/app/private', { cookie })
      assert.deepEqual(events, ['uncacheable_late'])
    },
  ),
  row(
    'stream/asked-for-late',
    'the same where the handler asks for its session no earlier; what would need a cookie is not written',
    (_session, asked) => ({
      body: (async function* (): AsyncIterable<string> {
        yield 'a'
        await headSeen.arrive()
        yield* changing(asked.session())
      })(),
    }),
    async ({ begin, client, calls, events, stored }) => {
      const cookie = await begin()
      const ask = async (ask: Ask): Promise<Answer> => {
        headSeen = meeting()
        const { head, answer } = client.open('/app', ask)
        await head
        headSeen.go()
        return answer
      }
      await ask({ cookie })
      assert.deepEqual([events, (await stored(cookie)).data], [['uncacheable_late'], { n: 1, late: 1 }])
      calls.length = 0
      const { cookies } = await ask({})
      await client.ask('/nowhere')
      assert.deepEqual([cookies, calls], [[], []])
    },
    { asksLate: true },
  ),
  row(
    'stream/late-cookie',
    'what would need a cookie when the head has left is not written, and the body is cut short',
    (session) => {
      void session.data
      return {
        body: (async function* (): AsyncIterable<string> {
          yield 'a'
          await headSeen.arrive()
          yield* changing(session)
        })(),
      }
    },
    async ({ client, calls }) => {
      headSeen = meeting()
      const { head, answer } = client.open('/app')
      await head
      headSeen.go()
      const { whole, cookies } = await answer
      assert.deepEqual([whole, cookies, calls], [false, [], []])
    },
  ),
  row(
    'stream/late-failure',
    'a commit that fails at the end cuts the body short',
    (session) => {
      void session.data
      return { body: changing(session) }
    },
    async ({ begin, fail, get, stored }) => {
      const cookie = await begin()
      fail('replace')
      const { whole } = await get('/app', { cookie })
      assert.deepEqual([whole, (await stored(cookie)).data], [false, { n: 1 }])
    },
  ),
  row(
    'stream/source-fails',
    'a body whose source fails is cut short; what changed until then is stored',
    (session) => {
      void session.data
      return { body: changing(session, failing) }
    },
    async ({ begin, get, stored }) => {
      const cookie = await begin()
      assert.equal((await get('/app', { cookie })).whole, false)
      await eventually(async () => (await stored(cookie)).data, { n: 1, late: 1 })
    },
  ),
  row(
    'stream/client-gone',
    'the client goes away while the body streams: what changed is stored',
    (session) => {
      void session.data
      return {
        body: (async function* (): AsyncIterable<string> {
          yield* changing(session)
          for (;;) {
            await new Promise((resolve) => setTimeout(resolve, 5))
            yield 'x'.repeat(1000)
          }
        })(),
      }
    },
    async ({ begin, client, stored }) => {
      const cookie = await begin()
      const { head, request } = client.open('/app', { cookie })
      const message = await head
      await new Promise<void>((resolve) => {
        let read = ''
        message.setEncoding('utf8').on('data', (data: string) => {
          read += data
          if (read.includes('bx')) resolve()
        })
      })
      message.on('error', () => {})
      request.on('error', () => {}).destroy()
      await eventually(async () => (await stored(cookie)).data, { n: 1, late: 1 })
    },
  ),
  row(
    'stream/client-gone-that-did-not-read',
    'the client stops to read, and goes away: what changed is stored',
    (session) => {
      void session.data
      return {
        body: (async function* (): AsyncIterable<string> {
          yield* changing(session)
          for (;;) {
            sent++
            yield LARGE
            await new Promise((resolve) => setImmediate(resolve))
          }
        })(),
      }
    },
    async ({ begin, client, stored }) => {
      sent = 0
      const cookie = await begin()
      const socket = client.unread(`GET /app HTTP/1.1\nHost: a\nCookie: ${cookie}\n\n`).on('error', () => {})
      await eventually(() => sent > 0, true)
      // No event tells that all buffers are full. They are if the server reads no more pieces during some other requests.
      for (let before = -1; before !== sent;) {
        before = sent
        for (let i = 0; i < 20; i++) await client.ask('/nowhere')
      }
      socket.destroy()
      await eventually(async () => (await stored(cookie)).data, { n: 1, late: 1 })
    },
  ),
]
