import { globSync, readFileSync } from 'node:fs'
import { SessError, memoryStore, type SessionStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { openSqlite, stores } from '../test/stores.ts'
import { SessStore, type HostSession } from './index.ts'

const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }
/** As JSON shows it: without what leads back to the store. */
const shown = (session: unknown): unknown => JSON.parse(JSON.stringify(session))
const sessionOf = (data: object): HostSession => ({ cookie, ...data })

describe.each(Object.entries(stores))('SessStore on %s', (_name, open) => {
  test('by callback and by promise', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await new Promise<void>((resolve, reject) => {
      void store.set('id', sessionOf({ a: 1 }), (error) => (error ? reject(error as Error) : resolve()))
    })
    const found = await new Promise((resolve) => void store.get('id', (_error, session) => resolve(session)))
    expect(shown(found)).toEqual(sessionOf({ a: 1 }))
    await store.destroy('id')
    expect(await store.get('id')).toBeNull()
  })

  test('what JSON drops is dropped, as by every store of express-session', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({ at: new Date(0), none: undefined, call: () => {}, nan: Number.NaN }))
    expect(shown(await store.get('id'))).toEqual(sessionOf({ at: '1970-01-01T00:00:00.000Z', nan: null }))
  })

  test('an object that was loaded, a copy of it, and one that was not', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({ a: 1, b: 1 }))
    const [one, two] = [(await store.get('id'))!, (await store.get('id'))!]
    await store.set('id', Object.assign(one, { a: 2 }))
    await store.set('id', { ...two, b: 2 } as HostSession)
    expect(shown(await store.get('id'))).toEqual(sessionOf({ a: 2, b: 2 }))
    await expect(store.set('id', sessionOf({ a: 3 }))).rejects.toMatchObject({ code: 'conflict' })
    await store.set('other', { ...one })
    expect(shown(await store.get('other'))).toEqual(sessionOf({ a: 2, b: 1 }))
  })

  test('a session that is destroyed and saved by who made it stays dead', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    const session = sessionOf({ a: 1 })
    await store.set('id', session)
    await store.destroy('id')
    await store.set('id', session)
    await store.touch('id', session)
    expect(await store.get('id')).toBeNull()
  })

  test('touch of an object from elsewhere moves the expiry and nothing else', async () => {
    await using opened = await open()
    const clock = { now: Date.now() }
    const store = new SessStore({ store: opened.store, idleTimeout: '10m', clock: () => clock.now })
    await store.set('id', sessionOf({ a: 1 }))
    clock.now += 9 * 60_000
    await store.touch('id', sessionOf({ a: 'not saved' }))
    clock.now += 9 * 60_000
    expect(shown(await store.get('id'))).toEqual(sessionOf({ a: 1 }))
    await store.touch('nowhere', sessionOf({}))
    expect(await store.get('nowhere')).toBeNull()
  })

  test('all and clear want the option index; length counts without', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({}))
    await expect(store.all()).rejects.toMatchObject({ code: 'unsupported' })
    await expect(store.clear()).rejects.toMatchObject({ code: 'unsupported' })
    expect(await store.length()).toBe(1)
  })
})

test('an outage is an error for the host, and not a missing session', async () => {
  const down = { ...memoryStore() } as Partial<SessionStore>
  const store = new SessStore({
    store: {
      ...down,
      name: 'down',
      traits: memoryStore().traits,
      read: () => Promise.reject(new SessError('store_unavailable', 'down')),
    } as SessionStore,
  })
  const errors: unknown[] = []
  await expect(store.get('id')).rejects.toMatchObject({ code: 'store_unavailable' })
  store.on('error', (event) => errors.push(event))
  const error = await new Promise((resolve) => void store.get('id', resolve))
  expect(error).toBeInstanceOf(SessError)
  expect(errors).toEqual([expect.objectContaining({ code: 'store_unavailable', operation: 'read' })])
})

test('the options of connect-redis are refused by name', () => {
  for (const option of ['client', 'ttl', 'prefix', 'disableTouch'])
    expect(() => new SessStore({ store: memoryStore(), [option]: 1 })).toThrowError(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(option) }),
    )
  expect(() => new SessStore({} as never)).toThrowError(expect.objectContaining({ code: 'invalid_option' }))
})

test('the same key changed twice: last writer wins, with an event; or onConflict', async () => {
  const conflicts: unknown[] = []
  for (const onConflict of ['last-writer-wins', 'throw'] as const) {
    const store = new SessStore({ store: memoryStore(), onConflict })
    store.on('conflict', ({ key }) => conflicts.push(key))
    await store.set('id', sessionOf({ n: 0 }))
    const [one, two] = [(await store.get('id'))!, (await store.get('id'))!]
    await store.set('id', Object.assign(one, { n: 1 }))
    const second = store.set('id', Object.assign(two, { n: 2 }))
    if (onConflict === 'throw') await expect(second).rejects.toMatchObject({ code: 'conflict' })
    else await second
  }
  expect(conflicts).toEqual(['n', 'n'])
})

test('no ID can be read in what is stored, byte by byte', async () => {
  await using opened = await openSqlite()
  const store = new SessStore({ store: opened.store, index: true })
  const id = 'S3cretIdOfTheSessionThatNobodyMayRead'
  await store.set(id, sessionOf({ marker: 'readable' }))
  await store.set(id, Object.assign((await store.get(id))!, { more: 1 }))
  const files = globSync(`${opened.folder}/*`)
  const bytes = Buffer.concat(files.map((file) => readFileSync(file)))
  expect(bytes.includes('readable')).toBe(true)
  for (const secret of [id, Buffer.from(id).toString('base64').slice(0, 40), Buffer.from(id).toString('hex')])
    expect(bytes.includes(secret)).toBe(false)
})
