import { globSync, readFileSync } from 'node:fs'
import { SessError, memoryStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { openSqlite, stores } from '../test/stores.ts'
import { SessStore, type HostSession } from './index.ts'

const cookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }
/** As JSON shows it: without what leads back to the store, the version in its cookie included. */
const shown = (session: unknown): unknown =>
  JSON.parse(JSON.stringify(session, (key, value: unknown) => (key === '@sess/version' ? undefined : value)))
const sessionOf = (data: object): HostSession => ({ cookie, ...data })

// oxlint-disable-next-line typescript/no-explicit-any -- what get gives
const copies: Readonly<Record<string, (session: any) => HostSession>> = {
  spread: (session) => ({ ...session }),
  structuredClone: (session) => structuredClone(session),
  JSON: (session) => JSON.parse(JSON.stringify(session)),
  'spread with a new cookie': (session) => ({ ...session, cookie: { ...cookie, path: session.cookie.path } }),
  'assignment to a new object': (session) => Object.assign({}, session),
}

describe.each(Object.entries(stores))('SessStore on %s', (_name, open) => {
  test('answers by callback and by promise', async () => {
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

  test('drops what JSON drops, like every store of express-session', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({ at: new Date(0), none: undefined, call: () => {}, nan: Number.NaN }))
    expect(shown(await store.get('id'))).toEqual(sessionOf({ at: '1970-01-01T00:00:00.000Z', nan: null }))
  })

  test('saves a loaded object and its copies, and refuses an object that was not loaded', async () => {
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

  test.each(Object.entries(copies))(
    'saves %s of the object that get returned, until the session has ended',
    async (_how, copy) => {
      await using opened = await open()
      const store = new SessStore({ store: opened.store })
      const gone: string[] = []
      store.on('gone', ({ handle }) => gone.push(handle))
      await store.set('id', sessionOf({ n: 1, m: 1 }))
      await store.set('id', Object.assign(copy(await store.get('id')), { n: 2 }))
      expect(shown(await store.get('id'))).toMatchObject({ n: 2, m: 1 })
      await store.touch('id', copy(await store.get('id')))
      const late = Object.assign(copy(await store.get('id')), { n: 3 })
      await store.destroy('id')
      await store.set('id', late)
      expect(await store.get('id')).toBeNull()
      expect(gone).toHaveLength(1)
    },
  )

  test('a shallow copy is merged with what others wrote since; a deep copy is refused', async () => {
    await using opened = await open()
    for (const [how, copy] of Object.entries(copies)) {
      const store = new SessStore({ store: opened.store })
      await store.set(how, sessionOf({ a: 1, b: 1 }))
      const late = Object.assign(copy(await store.get(how)), { a: 2 })
      await store.set(how, Object.assign((await store.get(how))!, { b: 2 }))
      const saving = store.set(how, late)
      const isDeep = how === 'structuredClone' || how === 'JSON'
      if (isDeep) await expect(saving).rejects.toMatchObject({ code: 'conflict' })
      else await saving
      expect(shown(await store.get(how))).toMatchObject({ a: isDeep ? 1 : 2, b: 2 })
    }
  })

  test('a shallow copy can be saved under another ID or to another store; to another store a deep copy counts as a session that has ended', async () => {
    await using opened = await open()
    const [one, two] = [new SessStore({ store: memoryStore() }), new SessStore({ store: opened.store })]
    await one.set('id', sessionOf({ n: 1 }))
    for (const [how, copy] of Object.entries(copies)) {
      await one.set(how, copy(await one.get('id')))
      expect(shown(await one.get(how))).toEqual(sessionOf({ n: 1 }))
      await two.set('id', copy(await one.get('id')))
      const isDeep = how === 'structuredClone' || how === 'JSON'
      expect((await two.get('id')) === null).toBe(isDeep)
      await two.destroy('id')
    }
  })

  test('a deep copy of a session that ended is not saved over a new session under its ID', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({ n: 1 }))
    const late = structuredClone((await store.get('id'))!)
    await store.destroy('id')
    await store.set('id', sessionOf({ n: 2 }))
    await expect(store.set('id', late)).rejects.toMatchObject({ code: 'conflict' })
    expect(shown(await store.get('id'))).toEqual(sessionOf({ n: 2 }))
  })

  test('onUnloaded replace: an object that the app made replaces the stored session completely', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store, onUnloaded: 'replace' })
    const expires = Date.now() + 60_000
    await store.set('id', { cookie: { expires, maxAge: 60_000 }, a: 1, b: 1 } as never)
    await store.set('id', { cookie: { expires, maxAge: 60_000 }, a: 2 } as never)
    const found = shown(await store.get('id'))
    expect(found).toMatchObject({ a: 2 })
    expect(found).not.toHaveProperty('b')
    const copy = structuredClone((await store.get('id'))!)
    await store.set('id', sessionOf({ a: 3 }))
    await store.set('id', Object.assign(copy, { a: 4 }))
    expect(shown(await store.get('id'))).toMatchObject({ a: 4 })
    // What was loaded is still merged, and stays dead.
    const [one, two] = [(await store.get('id'))!, (await store.get('id'))!]
    await store.set('id', Object.assign(one, { c: 1 }))
    await store.set('id', Object.assign(two, { d: 1 }))
    expect(shown(await store.get('id'))).toMatchObject({ a: 4, c: 1, d: 1 })
    await store.destroy('id')
    await store.set('id', one)
    expect(await store.get('id')).toBeNull()
    await Promise.all([1, 2, 3].map((n) => store.set('new', sessionOf({ n }))))
    expect(await store.length()).toBe(1)
  })

  test('a destroyed session stays dead when its creator saves it again', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    const session = sessionOf({ a: 1 })
    await store.set('id', session)
    await store.destroy('id')
    await store.set('id', session)
    await store.touch('id', session)
    expect(await store.get('id')).toBeNull()
  })

  test('touch with an object that was not loaded moves only the expiry', async () => {
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

  test('all, length and clear cover all sessions', async () => {
    await using opened = await open()
    const store = new SessStore({ store: opened.store })
    await store.set('id', sessionOf({ a: 1 }))
    expect(await store.all()).toMatchObject([{ a: 1 }])
    expect(await store.length()).toBe(1)
    await store.clear()
    expect(await store.all()).toEqual([])
    expect(await store.length()).toBe(0)
  })
})

test('an outage gives the host an error, not a missing session', async () => {
  const down = (): Promise<never> => Promise.reject(new SessError('store_unavailable', 'down'))
  const store = new SessStore({
    store: {
      create: down,
      replace: down,
      touch: down,
      delete: down,
      name: 'down',
      traits: memoryStore().traits,
      read: down,
    },
  })
  const errors: unknown[] = []
  await expect(store.get('id')).rejects.toMatchObject({ code: 'store_unavailable' })
  store.on('error', (event) => errors.push(event))
  const error = await new Promise((resolve) => void store.get('id', resolve))
  expect(error).toBeInstanceOf(SessError)
  expect(errors).toEqual([expect.objectContaining({ code: 'store_unavailable', operation: 'read' })])
})

test('what a callback throws is passed to it again, as connect-redis does; what it throws then is reported', async () => {
  const store = new SessStore({ store: memoryStore() })
  const given: unknown[] = []
  const mine = new Error('thrown by the callback')
  await store.set('id', sessionOf({}), (error) => {
    given.push(error)
    if (error === null) throw mine
  })
  expect(given).toEqual([null, mine])

  const warned = new Promise((resolve) => process.once('warning', resolve))
  await store.get('id', () => {
    throw mine
  })
  expect(await warned).toBe(mine)
  const reported: unknown[] = []
  store.on('error', (event) => reported.push(event))
  await store.touch('id', (await store.get('id'))!, () => {
    throw mine
  })
  expect(reported).toEqual([{ code: 'configuration', operation: 'callback', error: mine }])
})

test('data may be nested as deep as maxDepth, however deep the host’s hash goes', async () => {
  const nested = (levels: number): object => {
    let value = {}
    for (let level = 2; level < levels; level++) value = { value }
    return { cookie, value }
  }
  const inner = memoryStore()
  const store = new SessStore({ store: inner })
  await store.set('id', nested(500) as HostSession)
  const found = (await store.get('id'))!
  expect(shown(found)).toEqual(nested(500))
  await store.set('id', Object.assign(found, { n: 1 }))
  await expect(store.set('other', nested(501) as HostSession)).rejects.toMatchObject({ code: 'unserializable' })
  const deeper = new SessStore({ store: inner, maxDepth: 1000 })
  await deeper.set('deep', nested(1000) as HostSession)
  // Another process may allow more: what it wrote is read.
  expect(shown(await store.get('deep'))).toEqual(nested(1000))
  for (const maxDepth of [0, 1.5, 1001])
    expect(() => new SessStore({ store: inner, maxDepth })).toThrowError(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('maxDepth') }),
    )
})

test('options of connect-redis are refused by name', () => {
  for (const option of ['client', 'ttl', 'prefix', 'disableTouch'])
    expect(() => new SessStore({ store: memoryStore(), [option]: 1 })).toThrowError(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(option) }),
    )
  for (const option of ['pool', 'tableName', 'createTableIfMissing', 'pruneSessionInterval'])
    expect(() => new SessStore({ store: memoryStore(), [option]: 1 } as never)).toThrow(
      `${option} is no option of SessStore: it is an option of connect-pg-simple; see docs/migrating-from-connect-pg-simple.md`,
    )
  expect(() => new SessStore({} as never)).toThrowError(expect.objectContaining({ code: 'invalid_option' }))
  expect(() => new SessStore(undefined as never)).toThrowError('as in new SessStore({ store: redisStore(client) })')
  expect(() => new SessStore({ store: memoryStore(), secret: 'x' } as never)).toThrowError(/^secret is no option of/)
  expect(() => new SessStore({ store: memoryStore(), legacy: {} as never })).toThrowError(/^legacy must be a store of/)
  for (const option of ['onGone', 'onUnloaded'])
    expect(() => new SessStore({ store: memoryStore(), [option]: 'loud' })).toThrowError(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(option) }),
    )
})

test('the same key changed by two requests: the last writer wins with an event, or onConflict decides', async () => {
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

test('no stored byte shows an ID', async () => {
  await using opened = await openSqlite()
  const store = new SessStore({ store: opened.store })
  const id = 'S3cretIdOfTheSessionThatNobodyMayRead'
  await store.set(id, sessionOf({ marker: 'readable' }))
  await store.set(id, Object.assign((await store.get(id))!, { more: 1 }))
  const files = globSync(`${opened.folder}/*`)
  const bytes = Buffer.concat(files.map((file) => readFileSync(file)))
  expect(bytes.includes('readable')).toBe(true)
  for (const secret of [id, Buffer.from(id).toString('base64').slice(0, 40), Buffer.from(id).toString('hex')])
    expect(bytes.includes(secret)).toBe(false)
})
