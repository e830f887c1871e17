import { expect } from 'vitest'
import { createSessions, type SessionStore } from '@sess/core'

const STORE_TIMEOUT_MS = 4000
const options = {
  pepper: 'sixteen bytes or more',
  storeTimeout: STORE_TIMEOUT_MS,
  sweepEvery: false,
  log: false,
} as const

/** Creates, reads, changes, lists and signs out a session. */
export async function live(store: SessionStore): Promise<void> {
  const sessions = createSessions<{ n?: number }>({ ...options, store })
  const listed = async (): Promise<number> => (await Array.fromAsync(sessions.listSubject('ann'))).length
  const { cookieValue } = await (await sessions.load(undefined)).login('ann')
  await (await sessions.load(cookieValue)).update((data) => void (data.n = 1))
  const session = await sessions.load(cookieValue)
  expect([session.subject, session.data.n, await listed()]).toEqual(['ann', 1, 1])
  await session.logout()
  expect([(await sessions.load(cookieValue)).status, await listed()]).toEqual(['new', 0])
}

/**
 * Expects a load and a sign-in to reject within `storeTimeout`, because the client does not trust the certificate.
 *
 * @param words - What is in an error of the client.
 */
export async function expectUntrusted(
  store: SessionStore,
  words: string | RegExp = 'self-signed certificate',
): Promise<void> {
  const sessions = createSessions({ ...options, store })
  const calls = [() => sessions.load('x'.repeat(60)), async () => (await sessions.load(undefined)).login('ann')]
  for (const call of calls) {
    const began = performance.now()
    const error = await call().then(
      () => undefined,
      (each: Error) => each,
    )
    expect(error).toMatchObject({ code: 'store_unavailable' })
    expect(performance.now() - began).toBeLessThan(STORE_TIMEOUT_MS)
    expect(messagesOf(error).join('; ')).toMatch(words)
  }
}

/** Returns the messages of the causes of an error. */
function messagesOf(error: unknown): string[] {
  const { cause } = error as Error
  return cause instanceof Error ? [cause.message, ...messagesOf(cause)] : []
}
