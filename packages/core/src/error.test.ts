import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { heldStore } from '../test/held-store.ts'
import { bindingOf } from './binding.ts'
import * as core from './index.ts'

const { createSessions, isSessError, memoryStore, SessError } = core

/** Another copy of core, as npm nests it where versions differ. */
async function otherCore(): Promise<typeof core> {
  const folder = await mkdtemp(join(tmpdir(), 'sess-core-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(new URL('.', import.meta.url), folder, { recursive: true })
  return (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'index.ts')).href)) as typeof core
}

test('each code has an HTTP status that frameworks read, and no message is exposed to visitors', () => {
  const statuses = (
    [
      'not_fresh',
      'conflict',
      'too_large',
      'store_unavailable',
      'unknown_outcome',
      'store_full',
      'too_many_sessions',
    ] as const
  ).map((code) => new SessError(code, 'x').status)
  expect(statuses).toEqual([401, 409, 413, 503, 503, 503, 409])
  expect(new SessError('invalid_option', 'x')).toMatchObject({ status: 500, statusCode: 500, expose: false })
})

test('an error or session of another copy of core is recognised by its brand', async () => {
  const other = await otherCore()
  const error = new other.SessError('conflict', 'x')
  expect(error instanceof SessError).toBe(false)
  expect([isSessError(error), isSessError(error, 'conflict'), isSessError(error, 'too_large')]).toEqual([
    true,
    true,
    false,
  ])
  expect([undefined, null, 'x', new Error('x'), { code: 'conflict' }].some((value) => isSessError(value))).toBe(false)

  const store = memoryStore()
  const mine = createSessions({ store, log: false })
  const theirs = other.createSessions({ store, log: false })
  const here = await theirs.load(undefined)
  const { cookieValue } = await here.login('ann')
  await (await theirs.load(undefined)).login('ann')
  expect(bindingOf(here).cookieChange?.action).toBe('set')
  expect(await mine.revokeSubject('ann', { except: here })).toBe(1)
  expect((await mine.load(cookieValue)).subject).toBe('ann')
})

test.each([
  ['store_full', 'store_full'],
  ['too_large', 'too_large'],
  ['unsupported', 'unsupported'],
  ['configuration', 'configuration'],
  ['conflict', 'unknown_outcome'],
  ['a code of a newer version', 'unknown_outcome'],
])('a store that throws another copy’s error with the code %s: %s', async (thrown, code) => {
  const other = await otherCore()
  const store = memoryStore()
  store.create = () => Promise.reject(new other.SessError(thrown as core.SessErrorCode, 'x'))
  const session = await createSessions({ store }).load(undefined)
  session.data['n'] = 1
  await expect(session.commit()).rejects.toMatchObject({ code })
})

test('what default error pages print of an error names no driver, handle or data', async () => {
  const store = heldStore()
  const SAID = 'connect ECONNREFUSED 10.0.0.7:6379 user=admin'
  const sessions = createSessions({ store, log: false })
  const { cookieValue } = await (await sessions.load(undefined)).login('ann')
  const handle = cookieValue!.slice(0, 28)
  const errors: unknown[] = []
  for (const fail of [
    new Error(SAID),
    ...(['store_unavailable', 'store_full', 'configuration', 'too_large'] as const).map(
      (code) => new SessError(code, SAID),
    ),
  ]) {
    const session = await sessions.load(cookieValue)
    session.data['card'] = `visa-4111 ${errors.length}`
    store.hold('replace')
    const state = { over: false }
    const commit = session
      .commit()
      .catch((error: unknown) => errors.push(error))
      .finally(() => (state.over = true))
    // A retry, where there is one, fails in the same way.
    while (!state.over) {
      if (store.waiting.length > 0) store.failBefore(0, fail)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await commit
    store.flow()
  }
  expect(errors.map((error) => (error as core.SessError).code)).toEqual([
    'unknown_outcome',
    'store_unavailable',
    'store_full',
    'configuration',
    'too_large',
  ])
  for (const error of errors as Error[]) {
    for (const text of [error.message, JSON.stringify(error), Object.values(error).join(' ')])
      for (const word of [SAID, handle, 'visa-4111']) expect(text).not.toContain(word)
    expect(JSON.stringify(error.cause ?? '')).not.toContain(handle)
    expect(error).toHaveProperty('handle', handle)
  }
})
