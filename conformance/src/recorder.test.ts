import { runInNewContext } from 'node:vm'
import { memoryStore, type SessionStore } from '@sess/core'
import { expect, test } from 'vitest'
import { Recorder } from './recorder.ts'

const now = 1_800_000_000_000
const key = { tag: 'taggtaggtagg', id: 'idididididididid' }

test('a recorded call is pending until its promise settles, whatever realm made the promise', async () => {
  const answered = Promise.withResolvers<boolean>()
  const promise: unknown = runInNewContext('Promise.resolve(answered)', { answered: answered.promise })
  expect(promise).not.toBeInstanceOf(Promise)
  const recorder = new Recorder(now)
  const store = recorder.wrap({ ...memoryStore(), delete: () => promise } as unknown as SessionStore)
  const deleted = store.delete(key, now)
  expect(recorder.oldest).toMatchObject({ call: 'delete(key 1, now)' })
  answered.resolve(true)
  expect(await deleted).toBe(true)
  expect([recorder.oldest, recorder.steps[0]?.answer]).toEqual([undefined, 'true'])
})

test('a record is printed with its revision and payload, whatever realm its bytes come from', async () => {
  const payload = runInNewContext('new Uint8Array([104, 105])') as Uint8Array
  expect(payload).not.toBeInstanceOf(Uint8Array)
  const recorder = new Recorder(now)
  await recorder.wrap(memoryStore()).create(key, { revision: 3, expiresAt: now + 1000, payload }, now)
  expect(recorder.steps[0]?.call).toBe('create(key 1, r3 "hi", now)')
})
