import { randomBytes } from 'node:crypto'
import { createSessions, memoryStore, type SessionKey, type Sessions, type SessionsEvents } from '@sess/core'
import { beforeEach, expect, test } from 'vitest'
import { aesGcmSeal, type AesGcmSealOptions } from './index.ts'

const [old, next] = [randomBytes(32), randomBytes(32)]
let store: ReturnType<typeof memoryStore>
let rejected: (string | undefined)[]

beforeEach(() => {
  store = memoryStore()
  rejected = []
})

function sealedWith(keys: AesGcmSealOptions['keys'], acceptPlaintext = false): Sessions<{ n?: number }> {
  const sessions = createSessions<{ n: number }>({ store, seal: aesGcmSeal({ keys, acceptPlaintext }), log: false })
  sessions.on('rejected', ({ reason }: SessionsEvents['rejected']) => rejected.push(reason))
  return sessions
}

const keyOf = (cookie: string): SessionKey => ({ tag: cookie.slice(0, 12), id: cookie.slice(12, 28) })

async function created(sessions: Sessions<{ n?: number }>, subject: string): Promise<string> {
  const session = await sessions.load(undefined)
  session.data.n = 1
  return (await session.login(subject)).cookieValue!
}

async function count(sessions: Sessions<{ n?: number }>, cookie: string): Promise<number> {
  const session = await sessions.load(cookie)
  await session.update((data) => void (data.n = (data.n ?? 0) + 1))
  return session.data.n!
}

test('the store sees no content of the envelope', async () => {
  const sessions = sealedWith([old])
  const session = await sessions.load(undefined)
  await session.login('ann', { label: 'a label' })
  const { payload } = (await store.read(keyOf((await session.commit()).cookieValue!), Date.now()))!
  expect(Buffer.from(payload).toString('latin1')).not.toMatch(/label|json/)
})

test('a key is rotated in three steps, server by server, with nobody logged out', async () => {
  const before = sealedWith([old])
  const cookie = await created(before, 'ann')
  const ready = sealedWith([old, next])
  // Half of the servers know the new key, and none writes it.
  expect([await count(ready, cookie), await count(before, cookie)]).toEqual([2, 3])
  const switched = sealedWith([next, old])
  // Half of them write it, and all read it.
  expect([await count(switched, cookie), await count(ready, cookie), await count(switched, cookie)]).toEqual([4, 5, 6])
  // A server that was forgotten rejects, and writes nothing.
  await expect(before.load(cookie)).rejects.toMatchObject({ code: 'configuration' })
  const after = sealedWith([next])
  expect(await count(after, cookie)).toBe(7)
  expect(rejected).toEqual([])
})

test('a write seals under the first key only', async () => {
  const cookie = await created(sealedWith([old]), 'ann')
  const after = sealedWith([next])
  await expect(after.load(cookie)).rejects.toMatchObject({ code: 'configuration' })
  await count(sealedWith([next, old]), cookie)
  expect(await count(after, cookie)).toBe(3)
})

test('a leaked key is revoked by its ID: its sessions end without an error', async () => {
  const cookie = await created(sealedWith([old]), 'ann')
  const seal = aesGcmSeal({ keys: [next], revokedKeyIds: aesGcmSeal({ keys: [old] }).keyIds })
  const sessions = createSessions({ store, seal, log: false })
  sessions.on('rejected', ({ reason }) => rejected.push(reason))
  expect([(await sessions.load(cookie)).status, rejected]).toEqual(['new', ['undecodable']])
})

test('a ciphertext that was moved to another record, revision or subject is not opened', async () => {
  const sessions = sealedWith([old])
  const now = Date.now()
  const [ann, bob] = [await created(sessions, 'ann'), await created(sessions, 'bob')]
  const [anns, bobs] = [(await store.read(keyOf(ann), now))!, (await store.read(keyOf(bob), now))!]
  for (const forged of [
    { ...anns, payload: bobs.payload },
    { ...anns, revision: anns.revision + 1 },
    { ...anns, subject: 'bob' },
  ]) {
    await store.delete(keyOf(ann), now)
    await store.create(keyOf(ann), forged, now)
    expect((await sessions.load(ann)).status).toBe('new')
  }
  await store.delete(keyOf(ann), now)
  await store.create(keyOf(ann), { ...anns }, now)
  expect([(await sessions.load(ann)).subject, rejected]).toEqual(['ann', Array(3).fill('undecodable')])
})

test('an older ciphertext of the same record is not opened under the present revision', async () => {
  const sessions = sealedWith([old])
  const cookie = await created(sessions, 'ann')
  const before = (await store.read(keyOf(cookie), Date.now()))!
  await count(sessions, cookie)
  const present = (await store.read(keyOf(cookie), Date.now()))!
  await store.replace(keyOf(cookie), present, { ...present, payload: before.payload }, Date.now())
  expect((await sessions.load(cookie)).status).toBe('new')
})

test('plaintext is refused unless acceptPlaintext is set; then the next write seals it', async () => {
  const plain = createSessions<{ n: number }>({ store })
  const cookie = await created(plain, 'ann')
  expect((await sealedWith([old]).load(cookie)).status).toBe('new')
  expect(rejected).toEqual(['undecodable'])
  expect(await count(sealedWith([old], true), cookie)).toBe(2)
  expect(await count(sealedWith([old]), cookie)).toBe(3)
  await expect(plain.load(cookie)).rejects.toMatchObject({ code: 'configuration' })
})

test('unknown options of a seal are refused by name', () => {
  const seal = (options: unknown) => () => aesGcmSeal(options as AesGcmSealOptions)
  expect(seal(undefined)).toThrow('options are needed, as in aesGcmSeal({ keys: [key] })')
  expect(seal({ key: randomBytes(32) })).toThrow('key is no option of aesGcmSeal(): there are keys, revokedKeyIds')
  expect(seal({ keys: [randomBytes(32)], acceptPlaintext: 'no' })).toThrow('acceptPlaintext must be true or false')
})
