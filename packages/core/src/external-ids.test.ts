import { expect, test } from 'vitest'
import { heldStore } from '../test/held-store.ts'
import { asExpected, wrapStore, type SessionKey, type SessionRecord } from './adapter.ts'
import {
  externalIdSessions,
  type ExternalIdOptions,
  type ExternalIdSession,
  type ExternalIdSessions,
} from './external-ids.ts'
import { createSessions, memoryStore } from './index.ts'

const MINUTE = 60_000
let now = 1_000_000

function sessionsOn(store: ExternalIdOptions['store'], options: Partial<ExternalIdOptions> = {}): ExternalIdSessions {
  const lifeOf = ({ life }: Readonly<Record<string, unknown>>): { idleTimeout?: number } =>
    typeof life === 'number' ? { idleTimeout: life } : {}
  return externalIdSessions({ store, domain: 'test', lifeOf, clock: () => now, ...options })
}

async function loaded(sessions: ExternalIdSessions, id = 'id'): Promise<ExternalIdSession> {
  const session = await sessions.load(id)
  if (!session) throw new Error(`nothing is stored under ${id}`)
  return session
}

test('the key is a hash of the domain and the ID, and the payload is an envelope without a secret', async () => {
  const store = heldStore()
  const id = 'an ID of 24 random bytes'
  expect(await sessionsOn(store).start(id).save({ a: 1 })).toBe('created')
  // printf 'test\0an ID of 24 random bytes' | openssl dgst -sha256 -binary | basenc --base64url | cut -c1-28
  expect([...store.records.keys()]).toEqual(['GNmklHf14Sx83uLhF4g5YIKipzYc'])
  expect(await sessionsOn(store, { domain: 'other' }).load(id)).toBeUndefined()
  const [record] = [...store.records.values()]
  expect(Buffer.from(record!.payload).toString('latin1')).not.toContain(id)
})

test('a handle is not a cookie: core opens no record without a secret', async () => {
  const store = memoryStore()
  const external = sessionsOn(store)
  const session = external.start('id')
  await session.save({ a: 1 })
  const core = createSessions({ store, clock: () => now, log: false })
  for (const secret of ['A'.repeat(32), '-'.repeat(32)])
    expect((await core.load(session.handle + secret)).status).toBe('new')
})

test('the changes and deletions of two requests merge; a key that both changed is a conflict event', async () => {
  const sessions = sessionsOn(memoryStore())
  const conflicts: string[] = []
  sessions.on('conflict', ({ key }) => conflicts.push(key))
  await sessions.start('id').save({ a: 0, b: 0, c: 0, d: 0 })
  const [one, two] = [await loaded(sessions), await loaded(sessions)]
  expect(await one.save({ a: 1, b: 0, d: 1 })).toBe('saved')
  expect(await two.save({ a: 0, b: 2, c: 0, d: 2 })).toBe('saved')
  expect((await loaded(sessions)).data).toEqual({ a: 1, b: 2, d: 2 })
  expect(conflicts).toEqual(['d'])
  expect(await one.save({ a: 3, b: 0, d: 1 })).toBe('saved')
  expect((await loaded(sessions)).data).toEqual({ a: 3, b: 2, d: 2 })
})

test('a session that was loaded or created is never created again after its end; a session that was not loaded is created', async () => {
  const sessions = sessionsOn(memoryStore())
  const made = sessions.start('id')
  await made.save({ a: 1 })
  const session = await loaded(sessions)
  await sessions.end('id')
  expect(await session.save({ a: 2 })).toBe('gone')
  expect(await made.save({ a: 2 })).toBe('gone')
  expect(await sessions.load('id')).toBeUndefined()
  expect(await sessions.start('id').save({ a: 3 })).toBe('created')
  await expect(sessions.start('id').save({ a: 4 })).rejects.toMatchObject({ code: 'conflict' })
  expect((await loaded(sessions)).data).toEqual({ a: 3 })
})

test('after a sealed end no session is created under the ID for a minute', async () => {
  const sessions = sessionsOn(memoryStore())
  for (const first of [true, false]) {
    const id = `id ${first}`
    if (first) await sessions.start(id).save({ a: 1 })
    await sessions.end(id, { sealed: true })
    expect(await sessions.load(id)).toBeUndefined()
    expect(await sessions.start(id).save({ a: 2 })).toBe('gone')
    now += MINUTE
    expect(await sessions.start(id).save({ a: 3 })).toBe('created')
  }
})

test('a replace whose answer is lost counts as one write, which the next save settles', async () => {
  const store = heldStore()
  const sessions = sessionsOn(store)
  await sessions.start('id').save({ n: 0 })
  const session = await loaded(sessions)
  store.hold('replace')
  const saving = session.save({ n: 1 })
  await store.pending(1)
  store.failAfter()
  store.flow()
  expect(await saving).toBe('saved')
  expect(store.called('replace')).toBe(2)
  const [record] = [...store.records.values()]
  expect(record!.revision).toBe(2)
})

test('a create whose answer is lost is not sent again; a later save finds its record or reports an unknown outcome', async () => {
  for (const landed of [true, false]) {
    const store = heldStore()
    const sessions = sessionsOn(store)
    const session = sessions.start('id')
    store.hold('create')
    const saving = session.save({ a: 1 })
    await store.pending(1)
    if (landed) store.failAfter()
    else store.failLate()
    await expect(saving).rejects.toMatchObject({ code: 'unknown_outcome' })
    store.flow()
    const again = session.save({ a: 1, b: 2 })
    if (landed) {
      expect(await again).toBe('saved')
      expect((await loaded(sessions)).data).toEqual({ a: 1, b: 2 })
    } else await expect(again).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(store.called('create')).toBe(1)
  }
})

test('a create that the store refused is retried once', async () => {
  const store = heldStore()
  store.hold('create')
  const saving = sessionsOn(store).start('id').save({ a: 1 })
  await store.pending(1)
  store.failBefore()
  await store.pending(1)
  store.flow()
  expect(await saving).toBe('created')
})

test('an outage of the store rejects each operation', async () => {
  const store = heldStore()
  const sessions = sessionsOn(store)
  store.hold('read')
  const loading = sessions.load('id')
  await store.pending(1)
  store.failBefore()
  await expect(loading).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('each write takes the lifetime from the data: longer, shorter, ended', async () => {
  const store = heldStore()
  const sessions = sessionsOn(store, { absoluteTimeout: 60 * MINUTE })
  const start = now
  const session = sessions.start('id')
  await session.save({ life: MINUTE })
  expect(session.expiresAt).toBe(start + MINUTE)
  await session.save({ life: 10 * MINUTE })
  expect(session.expiresAt).toBe(start + 10 * MINUTE)
  await session.save({ life: 2 * MINUTE })
  expect(session.expiresAt).toBe(start + 2 * MINUTE)
  now += MINUTE
  expect(await session.save({ life: 2 * MINUTE })).toBe('touched')
  expect(session.expiresAt).toBe(start + 3 * MINUTE)
  await session.save({ life: 100 * MINUTE })
  expect(session.expiresAt).toBe(start + 60 * MINUTE)
  await expect(sessions.start('other').save({ life: -1 })).resolves.toBe('saved')
  const ended: string[] = []
  sessions.on('logout', ({ handle }) => ended.push(handle))
  expect(await session.save({ life: -1 })).toBe('saved')
  expect(store.records.size).toBe(0)
  expect(ended).toEqual([session.handle])
  expect(await session.save({ life: -1 })).toBe('saved')
  expect(await session.save({ life: MINUTE })).toBe('gone')
  expect(ended).toHaveLength(1)
})

test('each write changes the version, a touch does not', async () => {
  const sessions = sessionsOn(memoryStore())
  const made = sessions.start('id')
  expect(made.version).toBeUndefined()
  await made.save({ a: 1 })
  const first = await loaded(sessions)
  expect(first.version).toBe(made.version)
  expect(first.version).toContain(first.handle)
  now += 12 * 60 * MINUTE
  expect(await first.touch()).toBe('touched')
  expect((await loaded(sessions)).version).toBe(made.version)
  await first.save({ a: 2 })
  expect(first.version).not.toBe(made.version)
  expect((await loaded(sessions)).version).toBe(first.version)
})

test('a touch is needed when it is due, and while the outcome of a save is unknown', async () => {
  const store = heldStore()
  const sessions = sessionsOn(store)
  await sessions.start('id').save({ a: 1 })
  const session = await loaded(sessions)
  expect(session.needsTouch).toBe(false)
  now += 12 * 60 * MINUTE
  expect(session.needsTouch).toBe(true)
  await session.touch()
  expect(session.needsTouch).toBe(false)
  store.hold('replace')
  const saving = session.save({ a: 2 })
  expect(session.needsTouch).toBe(true)
  await store.pending(1)
  store.flow()
  await saving
  expect(session.needsTouch).toBe(false)
})

test('the next save writes what a refused save did not; the next save or touch settles a save whose answer was lost', async () => {
  for (const next of ['save', 'touch'] as const)
    for (const fails of ['failBefore', 'failLate'] as const) {
      const store = heldStore()
      const sessions = sessionsOn(store)
      await sessions.start('id').save({ a: 1, b: 1 })
      const session = await loaded(sessions)
      store.hold('replace')
      const saving = session.save({ a: 2, b: 1 })
      // Sent twice.
      await store.pending(1)
      store[fails]()
      await store.pending(1)
      store[fails]()
      await expect(saving).rejects.toMatchObject({
        code: fails === 'failLate' ? 'unknown_outcome' : 'store_unavailable',
      })
      store.flow()
      await (next === 'save' ? session.save({ a: 2, b: 2 }) : session.touch())
      const settled = next === 'save' || fails === 'failLate'
      expect((await loaded(sessions)).data).toEqual({ a: settled ? 2 : 1, b: next === 'save' ? 2 : 1 })
    }
})

test.each([0, '0s'] as const)('touchAfter %j: every touch moves the expiry', async (touchAfter) => {
  const sessions = sessionsOn(memoryStore(), { touchAfter })
  await sessions.start('id').save({ life: MINUTE })
  now += 1
  const session = await loaded(sessions)
  expect(await session.touch()).toBe('touched')
  expect(session.expiresAt).toBe(now + MINUTE)
  expect(await session.touch()).toBe('unchanged')
})

test('all and clear reach the live sessions of their domain, and no other sessions in the store', async () => {
  const store = memoryStore()
  const sessions = sessionsOn(store)
  const other = sessionsOn(store, { domain: 'other' })
  const native = createSessions({ store, clock: () => now, log: false })
  const visitor = await native.load(undefined)
  visitor.data['a'] = 'native'
  const { cookieValue } = await visitor.commit()
  await other.start('id').save({ a: 'other' })
  const session = sessions.start('id')
  await session.save({ life: MINUTE })
  await sessions.start('expired').save({ life: MINUTE / 4 })
  await sessions.start('sealed').save({})
  await sessions.end('sealed', { sealed: true })
  now += MINUTE / 2
  await session.save({ life: MINUTE, a: 1 })
  const found = await Array.fromAsync(sessions.all())
  expect(found.map(({ data, handle }) => [data, handle])).toEqual([[{ life: MINUTE, a: 1 }, session.handle]])
  expect(await found[0]!.save({ life: MINUTE, a: 2 })).toBe('saved')
  await sessions.clear()
  expect(await Array.fromAsync(sessions.all())).toEqual([])
  expect(await session.save({ life: MINUTE, a: 3 })).toBe('gone')
  expect((await loaded(other)).data).toEqual({ a: 'other' })
  expect((await native.load(cookieValue)).data).toEqual({ a: 'native' })
})

test('all leaves out a damaged record and reports it by an event', async () => {
  const store = memoryStore()
  const sessions = sessionsOn(store)
  await sessions.start('id').save({})
  const [[key, record]] = (await Array.fromAsync(store.all!(now))) as [[SessionKey, SessionRecord]]
  await store.replace(key, asExpected(record), { ...record, revision: 2, payload: new Uint8Array([1, 2, 3]) }, now)
  const reasons: string[] = []
  sessions.on('rejected', ({ reason }) => reasons.push(reason))
  expect(await Array.fromAsync(sessions.all())).toEqual([])
  expect(reasons).toEqual(['undecodable'])
})

test('all and clear reject with unsupported on a store that cannot list all its records', async () => {
  const { all: _, ...listless } = heldStore()
  const sessions = sessionsOn(listless as never)
  await expect(sessions.clear()).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/cannot list/),
  })
  await expect(Array.fromAsync(sessions.all())).rejects.toMatchObject({ code: 'unsupported' })
})

test.each(['', 'x'.repeat(257), undefined])('the domain %j is refused', (domain) => {
  expect(() => sessionsOn(memoryStore(), { domain: domain as string })).toThrowError(/domain must be/)
})

test('a session that is ended at any point of a conflicting save or of a touch stays dead', async () => {
  for (const change of [true, false])
    for (let before = 0; before < 4; before++) {
      const store = heldStore()
      const sessions = sessionsOn(store)
      await sessions.start('id').save({ a: 0, b: 0 })
      const [mine, other] = [await loaded(sessions), await loaded(sessions)]
      await other.save({ a: 0, b: 1 })
      now += 12 * 60 * MINUTE
      store.hold()
      const saving = mine.save(change ? { a: 1, b: 0 } : { a: 0, b: 0 })
      for (let step = 0; step < before; step++) {
        await Promise.race([store.pending(1), saving])
        if (store.waiting.length > 0) store.release()
      }
      store.flow()
      await sessions.end('id')
      const status = await saving
      if (before === 0 && change) expect(status).toBe('gone')
      expect(await sessions.load('id')).toBeUndefined()
      expect(store.records.size).toBe(0)
    }
})

test('an ID opens no record that has a secret; a damaged record is reported and can be ended', async () => {
  const store = heldStore()
  const rejected: string[] = []
  const core = createSessions({ store, clock: () => now, log: false })
  const session = await core.load(undefined)
  session.data['user'] = 'ada'
  await session.commit()
  const [withSecret] = [...store.records.values()]
  const sessions = sessionsOn(store)
  sessions.on('rejected', ({ reason }) => rejected.push(reason))
  const { handle } = sessions.start('id')
  store.records.set(handle, withSecret!)
  expect(await sessions.load('id')).toBeUndefined()

  const damaged = Uint8Array.from(withSecret!.payload)
  damaged[damaged.length - 1]! ^= 1
  store.records.set(handle, { ...withSecret!, payload: damaged })
  expect(await sessions.load('id')).toBeUndefined()
  expect(rejected).toEqual(['undecodable'])
  await sessions.end('id', { sealed: true })
  expect(await sessions.start('id').save({ a: 1 })).toBe('gone')
})

test('a sealed end overtakes the writes that wait in this process, and those writes answer "gone"', async () => {
  const store = heldStore()
  const sessions = sessionsOn(store)
  await sessions.start('id').save({ n: 0 })
  const writers = await Promise.all(Array.from({ length: 30 }, () => loaded(sessions)))
  store.hold('replace')
  const saves = writers.map((writer, n) => writer.save({ n }))
  await store.pending(1)
  const end = sessions.end('id', { sealed: true })
  store.flow()
  await end
  const replaces = store.called('replace')
  const answers = await Promise.all(saves)
  // The first had been sent. The one that changes nothing touches: it finds the marker at its next write.
  expect(answers.filter((answer) => answer === 'saved')).toHaveLength(1)
  expect(answers.filter((answer) => answer === 'gone').length).toBeGreaterThanOrEqual(28)
  expect([replaces, store.called('replace')]).toEqual([2, 2])
  expect(await sessions.load('id')).toBeUndefined()
})

test('a sealed end succeeds however often another process writes', async () => {
  const store = memoryStore()
  let n = 0
  // 21 times: a bound of 20 tries would give up.
  const contended = wrapStore(store, {
    async replace(...values) {
      if (n < 21) await other.save({ n: ++n })
      return store.replace(...values)
    },
  })
  await sessionsOn(store).start('id').save({ n: 0 })
  const other = await loaded(sessionsOn(store))
  await sessionsOn(contended).end('id', { sealed: true })
  expect([n, await sessionsOn(store).load('id'), await other.save({ n: -1 })]).toEqual([21, undefined, 'gone'])
})

test.each(['notBefore', 'maxPerSubject', 'anonymous', 'idleTimeOut'])('%s is refused as an option', (name) => {
  expect(() => sessionsOn(memoryStore(), { [name]: 1 })).toThrow(`${name} is no option of externalIdSessions()`)
})
