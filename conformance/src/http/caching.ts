import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { fields, row, text } from './app.ts'
import type { Answer } from './client.ts'
import type { HttpCase } from './contract.ts'

const PUBLIC = ['cache-control', 'public, max-age=60'] as const

/** Rows on the header fields for shared caches. */
export const cachingCases: readonly HttpCase[] = [
  row(
    'caching/not-taken',
    'a handler that asks for no session leaves the answer as it is',
    () => text('page', [...PUBLIC], ['vary', 'Accept']),
    async ({ begin, get, calls }) => {
      const answer = await get('/app', { cookie: await begin() })
      assert.deepEqual([answer.body, ...fields(answer), calls], ['page', 'Accept', PUBLIC[1], 0, ['read']])
    },
  ),
  row(
    'caching/not-used',
    'a session that is handed along, and not looked at, leaves the answer as it is, in pieces too',
    (session, { url }) => {
      const handed = { session }
      void handed
      return url.endsWith('/pieces') ? { headers: [PUBLIC], body: one('page') } : text('page', [...PUBLIC])
    },
    async ({ begin, get, calls, events }) => {
      const cookie = await begin()
      for (const path of ['/app', '/app/pieces']) {
        const answer = await get(path, { cookie })
        assert.deepEqual([answer.body, ...fields(answer)], ['page', undefined, PUBLIC[1], 0])
      }
      assert.deepEqual([calls, events], [['read', 'read'], []])
    },
  ),
  row(
    'caching/used',
    'an answer whose session was used is private and differs by cookie; what is stricter stays',
    (session, { url }) => {
      const caching = decodeURIComponent(url.split('?')[1] ?? '')
      return text(
        inspect(session).slice(0, 1),
        ['vary', 'Accept'],
        ...(caching ? [['cache-control', caching] as [string, string]] : []),
      )
    },
    async ({ begin, get }) => {
      const cookie = await begin()
      for (const [given, sent] of [
        ['', 'private'],
        ['public, max-age=60', 'private, max-age=60'],
        ['no-store', 'no-store'],
        ['private, max-age=5', 'private, max-age=5'],
        ['s-maxage=9', 'private'],
      ] as const) {
        const answer = await get(`/app?${encodeURIComponent(given)}`, { cookie })
        assert.deepEqual([given, ...fields(answer)], [given, 'Accept, Cookie', sent, 0])
      }
    },
  ),
  row(
    'caching/vary-of-others',
    'what others say of Vary stays, set in front of the session or in the handler',
    (session) => text(String(session.subject), ['vary', '*']),
    async ({ get }) => {
      const { headers } = await get()
      const names = headers['vary']!.split(',').map((name) => name.trim())
      assert.ok(names.includes('*'), headers['vary'])
    },
    { before: [['access-control-allow-origin', 'https://a.example']] },
  ),
  row(
    'caching/fields-in-front',
    'fields of middleware in front of the session stay, on an answer, an error, a 404 and the answer to a commit that failed',
    (session, { url }) => {
      session.data['n'] = 2
      if (url.endsWith('/error')) throw new Error('mine')
      return text('ok', ...(url.endsWith('/vary') ? [['vary', 'Accept'] as [string, string]] : []))
    },
    async ({ get, begin, fail }) => {
      const cookie = await begin()
      for (const [path, status] of [
        ['/app', 200],
        ['/app/error', 500],
        ['/nowhere', 404],
      ] as const) {
        const answer = await get(path, { cookie })
        const { 'access-control-allow-origin': origin, vary } = answer.headers
        assert.deepEqual([path, answer.status, origin], [path, status, 'https://a.example'])
        assert.deepEqual(
          [path, vary?.split(', ').toSorted()],
          [path, path === '/nowhere' ? ['Origin'] : ['Cookie', 'Origin']],
        )
      }
      assert.deepEqual(varyOf(await get('/app/vary', { cookie })), ['Accept', 'Cookie', 'Origin'])
      fail('replace')
      const failed = await get('/app', { cookie: await begin() })
      assert.deepEqual([failed.status, failed.headers['access-control-allow-origin']], [503, 'https://a.example'])
      assert.deepEqual(varyOf(failed), ['Cookie', 'Origin'])
    },
    {
      before: [
        ['access-control-allow-origin', 'https://a.example'],
        ['vary', 'Origin'],
      ],
    },
  ),
  row(
    'caching/private',
    'with { private: true } every answer is private, whatever its handler does',
    () => text('page', [...PUBLIC]),
    async ({ begin, get }) => {
      const answer = await get('/app', { cookie: await begin() })
      assert.deepEqual(fields(answer), ['Cookie', 'private, max-age=60', 0])
    },
    { private: true },
  ),
]

/** The names in the Vary field of an answer, sorted. */
function varyOf({ headers }: Answer): string[] {
  return (headers['vary'] ?? '').split(/, */).toSorted()
}

async function* one(piece: string): AsyncIterable<string> {
  yield piece
}
