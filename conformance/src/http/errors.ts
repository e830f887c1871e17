import assert from 'node:assert/strict'
import { eventually, fields, row, text } from './app.ts'
import type { HttpCase } from './contract.ts'

const mine = (): never => {
  throw new Error('mine')
}

/** A body in pieces. `ended`: the framework has read all pieces, or has called `return`. */
class Source implements AsyncIterableIterator<string> {
  ended = false
  #left: number

  constructor(pieces: number) {
    this.#left = pieces
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    if (this.#left-- > 0) return { done: false, value: 'never sent' }
    return this.return()
  }

  async return(): Promise<IteratorResult<string, undefined>> {
    this.ended = true
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
let source: Source

/** Rows on errors of the handler, of the store and of a body. */
export const errorCases: readonly HttpCase[] = [
  row(
    'error/without-use',
    'an error of a handler that did not use the session is answered as without sessions',
    () => mine(),
    async ({ begin, get, calls, errors }) => {
      const answer = await get('/app', { cookie: await begin() })
      assert.deepEqual([answer.status, answer.body, ...fields(answer)], [500, 'mine', undefined, undefined, 0])
      assert.deepEqual([calls, errors.length], [['read'], 1])
    },
  ),
  row(
    'error/after-a-change',
    'what a handler changed before it threw is stored, a new session with its cookie, and the error’s answer is private',
    (session) => {
      session.data['n'] = 2
      return mine()
    },
    async ({ begin, get, stored, errors }) => {
      const cookie = await begin()
      const answer = await get('/app', { cookie })
      assert.deepEqual([answer.status, answer.body, ...fields(answer)], [500, 'mine', 'Cookie', 'private', 0])
      assert.deepEqual([(await stored(cookie)).data, errors.length], [{ n: 2 }, 1])
      assert.deepEqual((await stored((await get()).cookie)).data, { n: 2 })
    },
  ),
  row(
    'error/after-a-sign-in',
    'a sign-in that stood before the error has its cookie in the error’s answer',
    async (session) => {
      await session.login('ann')
      return mine()
    },
    async ({ begin, get, stored }) => {
      const answer = await get('/app', { cookie: await begin() })
      assert.deepEqual([answer.status, ...fields(answer)], [500, 'Cookie', 'private, no-store', 1])
      assert.deepEqual(await stored(answer.cookie), { status: 'active', subject: 'ann', data: { n: 1 } })
    },
  ),
  row(
    'error/after-a-sign-out',
    'a sign-out that stood before the error removes its cookie in the error’s answer',
    async (session) => {
      await session.logout()
      return mine()
    },
    async ({ begin, get, stored }) => {
      const cookie = await begin({}, 'ann')
      const { status, cookies } = await get('/app', { cookie })
      assert.equal(status, 500)
      assert.match(cookies[0] ?? '', /^sid=; Max-Age=0/)
      assert.equal((await stored(cookie)).status, 'new')
    },
  ),
  row(
    'error/commit-fails',
    'a commit that fails: the answer is dropped with what belongs to it, and the error is answered once, as its status says',
    (session) => {
      session.data['n'] = 2
      return {
        status: 201,
        headers: [
          ['location', '/done'],
          ['etag', '"1"'],
          ['content-type', 'image/png'],
          ['cache-control', 'public, max-age=60'],
          ['x-mine', 'stays'],
        ],
        body: 'done',
      }
    },
    async ({ begin, fail, get, stored, errors, calls }) => {
      const cookie = await begin()
      fail('create', 'replace')
      const answer = await get('/app', { cookie })
      assert.deepEqual([answer.status, answer.body], [503, 'store_unavailable'])
      assert.deepEqual(fields(answer), ['Cookie', 'private', 0])
      const { location, etag, 'content-type': type } = answer.headers
      assert.deepEqual([location, etag, type?.split(';')[0]], [undefined, undefined, 'text/plain'])
      assert.equal(errors.length, 1, 'how often the error handler was called')
      assert.deepEqual(calls, ['read', 'replace', 'replace'])
      assert.deepEqual((await stored(cookie)).data, { n: 1 })
      assert.deepEqual([(await get()).status, errors.length], [503, 2])
    },
  ),
  row(
    'error/commit-fails-before-a-stream',
    'a commit that fails before a body in pieces is answered as any other, and the source of the pieces is let go of',
    (session) => {
      session.data['n'] = 2
      source = new Source(10)
      return { body: source }
    },
    async ({ begin, fail, get, errors }) => {
      const cookie = await begin()
      fail('replace')
      const { status, body } = await get('/app', { cookie })
      assert.deepEqual([status, body, errors.length], [503, 'store_unavailable', 1])
      await eventually(() => source.ended, true)
    },
  ),
  row(
    'error/commit-fails-after-a-sign-in',
    'a sign-in stands although a later commit fails: its cookie is in the error’s answer',
    async (session) => {
      await session.login('ann')
      session.data['n'] = 2
      return text('welcome')
    },
    async ({ begin, fail, get, stored, errors, repair }) => {
      const cookie = await begin()
      fail('replace')
      // The write of the old session's marker fails as well, but this never fails a login.
      const answer = await get('/app', { cookie })
      repair()
      assert.deepEqual([answer.status, answer.body, errors.length], [503, 'store_unavailable', 1])
      assert.deepEqual(await stored(answer.cookie), { status: 'active', subject: 'ann', data: { n: 1 } })
    },
  ),
  row(
    'error/awaited',
    'an operation that was awaited and failed reaches the error handler once, and is not tried again',
    async (session) => {
      await session.update((data) => void (data['n'] = 2))
      return text('done')
    },
    async ({ begin, fail, get, errors, calls }) => {
      const cookie = await begin()
      fail('replace')
      const { status, body } = await get('/app', { cookie })
      assert.deepEqual([status, body, errors.length], [503, 'store_unavailable', 1])
      assert.deepEqual(calls, ['read', 'replace', 'replace'])
    },
  ),
  row(
    'error/nobody-awaited',
    'an operation that nobody awaited and that failed fails the request',
    (session) => {
      void session.logout()
      return text('You are signed out')
    },
    async ({ begin, fail, get, errors, stored, repair }) => {
      const cookie = await begin({}, 'ann')
      fail('delete')
      const { status, body, cookies } = await get('/app', { cookie })
      repair()
      assert.deepEqual([status, body, cookies, errors.length], [503, 'store_unavailable', [], 1])
      assert.equal((await stored(cookie)).subject, 'ann')
    },
  ),
  row(
    'error/after-a-change-that-fails',
    'a commit that fails after the handler has thrown does not take the place of the handler’s error, and is an event',
    (session) => {
      session.data['n'] = 2
      return mine()
    },
    async ({ begin, fail, get, errors, events }) => {
      const cookie = await begin()
      fail('replace')
      const { status, body } = await get('/app', { cookie })
      assert.deepEqual([status, body, errors.length], [500, 'mine', 1])
      assert.ok(events.includes('error commit'), events.join())
    },
  ),
  row(
    'error/handled-by-the-handler',
    'a handler that was told of a failure, and answers all the same, is not overruled',
    async (session) => {
      session.data['n'] = 2
      return await session.commit().then(
        () => text('stored'),
        () => text('not stored'),
      )
    },
    async ({ begin, fail, get, errors, calls }) => {
      const cookie = await begin()
      fail('replace')
      const { status, body } = await get('/app', { cookie })
      assert.deepEqual([status, body, errors.length, calls.length], [200, 'not stored', 0, 3])
    },
  ),
  row(
    'error/answer-of-an-error',
    'an answer of 400 or more claims nothing: it is sent although the commit failed, which is an event',
    (session) => {
      session.data['n'] = 2
      return { status: 422, body: 'not so' }
    },
    async ({ begin, fail, get, errors, events }) => {
      const cookie = await begin()
      fail('replace')
      const answer = await get('/app', { cookie })
      assert.deepEqual([answer.status, answer.body, errors.length], [422, 'not so', 0])
      assert.ok(events.includes('error commit'), events.join())
    },
  ),
  row(
    'error/handler-of-errors-changes',
    'what an error handler changes is stored',
    () => mine(),
    async ({ begin, get, stored }) => {
      const cookie = await begin()
      assert.equal((await get('/app', { cookie })).body, 'sorry')
      await eventually(async () => (await stored(cookie)).data, { n: 3 })
    },
    {
      handleError(_error, session) {
        session().data['n'] = 3
        return { status: 500, body: 'sorry' }
      },
    },
  ),
  row(
    'error/handler-of-errors-signs-out',
    'an error handler that signs out removes the cookie',
    () => mine(),
    async ({ begin, get }) => {
      const { body, cookies } = await get('/app', { cookie: await begin({}, 'ann') })
      assert.equal(body, 'bye')
      assert.match(cookies[0] ?? '', /^sid=; Max-Age=0/)
    },
    {
      async handleError(_error, session) {
        await session().logout()
        return { status: 500, body: 'bye' }
      },
    },
  ),
  ...[503, 200].map((status) =>
    row(
      `error/handler-of-errors-after-a-failure-${status}`,
      `what an error handler changes after a commit failed is not written, and its answer of ${status} is sent`,
      (session) => {
        session.data['n'] = 2
        return text('done')
      },
      async ({ begin, fail, repair, get, stored, calls, errors }) => {
        const cookie = await begin()
        fail('replace')
        const answer = await get('/app', { cookie })
        assert.deepEqual([answer.status, answer.body, calls.length, errors.length], [status, 'sorry', 3, 1])
        repair()
        await get('/nowhere')
        assert.deepEqual((await stored(cookie)).data, { n: 1 })
      },
      {
        handleError(_error, session) {
          session().data['n'] = 3
          return { status, body: 'sorry' }
        },
      },
    ),
  ),
  row(
    'error/handler-of-errors-after-an-awaited-failure',
    'what an error handler changes after an operation that was awaited and failed is not written by an answer of an error, and is an event',
    async (session) => {
      await session.update((data) => void (data['n'] = 2))
      return text('done')
    },
    async ({ begin, fail, get, stored, calls, events, repair }) => {
      const cookie = await begin()
      fail('replace')
      const answer = await get('/app', { cookie })
      repair()
      await eventually(() => events.includes('error commit'), true)
      assert.deepEqual([answer.status, answer.body, calls], [503, 'sorry', ['read', 'replace', 'replace']])
      assert.deepEqual((await stored(cookie)).data, { n: 1 })
    },
    {
      handleError(_error, session) {
        session().data['n'] = 3
        return { status: 503, body: 'sorry' }
      },
    },
  ),
  row(
    'error/handler-of-errors-throws',
    'an error handler that throws is answered by the framework; what was changed is stored',
    (session) => {
      session.data['n'] = 2
      return mine()
    },
    async ({ begin, get, stored }) => {
      const cookie = await begin()
      assert.equal((await get('/app', { cookie })).status, 500)
      await eventually(async () => (await stored(cookie)).data, { n: 2 })
    },
    { handleError: () => mine() },
  ),
  row(
    'error/load-fails',
    'an outage at load is answered as an error, and signs nobody out: no handler runs, no cookie is set',
    (session) => text(String(session.subject)),
    async ({ begin, fail, repair, get, errors, stored }) => {
      const cookie = await begin({}, 'ann')
      fail('read')
      const { status, body, cookies } = await get('/app', { cookie })
      assert.deepEqual([status, body, cookies, errors.length], [503, 'store_unavailable', [], 1])
      repair()
      assert.equal((await stored(cookie)).subject, 'ann')
    },
  ),
]
