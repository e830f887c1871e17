import { createSessions, memoryStore } from '@sess/core'
import { expect, test } from 'vitest'
import { sessionCookie, signedIn, withSession } from './index.ts'

const sessions = createSessions<{ theme: string }>({ store: memoryStore(), log: false })

test('a test that sends the header of signedIn is signed in with the given data', async () => {
  const handler = withSession(sessions, async (_request, { subject, data }) => Response.json([subject, data]))
  const cookie = await signedIn(sessions, 'user-1', { theme: 'dark' })
  const response = await handler(new Request('http://127.0.0.1/', { headers: { cookie } }))
  expect(await response.json()).toEqual(['user-1', { theme: 'dark' }])
})

test('the cookie has the name from the application’s options; each call creates a session', async () => {
  const options = { secure: false, path: '/app' }
  const [one, other] = [await signedIn(sessions, 'a', undefined, options), await signedIn(sessions, 'a', {}, options)]
  expect([one, one === other]).toEqual([expect.stringMatching(/^sid=[\w-]{60}$/), false])
  expect((await sessionCookie(sessions, options).load(one)).subject).toBe('a')
  await expect(signedIn(sessions, 'a', {}, { name: 'a b' })).rejects.toMatchObject({ code: 'invalid_option' })
})
