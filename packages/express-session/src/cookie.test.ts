import { memoryStore } from '@sess/core'
import * as fc from 'fast-check'
import session from 'express-session'
import { expect, test, vi } from 'vitest'
import { Browser, serve } from '../test/browser.ts'
import { expressApp } from '../test/express-app.ts'
import { cookieOf, dataOf, isSameCookie, lifeOf, VERSION } from './cookie.ts'
import { SessStore } from './index.ts'

const START = Date.UTC(2030, 0, 1)
const MINUTE = 60_000

/** Moves the time for express-session, which has no clock of its own, and for the store. */
function at(ms: number): void {
  vi.setSystemTime(START + ms)
}

async function visit(
  options: Parameters<typeof expressApp>[1],
  storeOptions: object,
  scenario: (browser: Browser, store: SessStore) => Promise<void>,
): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    at(0)
    const store = new SessStore({ store: memoryStore(), ...storeOptions })
    await using app = await serve(expressApp(store, options))
    await scenario(new Browser(app.url), store)
  } finally {
    vi.useRealTimers()
  }
}

test('a cookie with maxAge: the session ends with it, and slides with use', async () => {
  await visit({ cookie: { maxAge: 10 * MINUTE } }, {}, async (browser) => {
    await browser.post('/set', { a: '1' })
    at(9 * MINUTE)
    expect((await browser.get('/get')).body).toMatchObject({ a: '1' })
    at(18 * MINUTE)
    expect((await browser.get('/get')).body).toMatchObject({ a: '1' })
    at(28 * MINUTE)
    expect((await browser.get('/get')).body).not.toHaveProperty('a')
  })
})

test('reads move the expiry at most once in a tenth of the lifetime', async () => {
  await visit({ cookie: { maxAge: 10 * MINUTE } }, {}, async (browser, store) => {
    await browser.post('/set', { a: '1' })
    const { id } = (await browser.get('/get')).body as { id: string }
    const expires = async (): Promise<number> => Date.parse(String((await store.get(id))!.cookie.expires)) - START
    at(MINUTE / 2)
    await browser.get('/get')
    expect(await expires()).toBe(10 * MINUTE)
    at(2 * MINUTE)
    await browser.get('/get')
    expect(await expires()).toBe(12 * MINUTE)
  })
})

test('rolling sends the cookie with the new expiry in each response', async () => {
  await visit({ cookie: { maxAge: 10 * MINUTE }, rolling: true }, {}, async (browser) => {
    await browser.post('/set', { a: '1' })
    at(5 * MINUTE)
    const { setCookie } = await browser.get('/get')
    expect(setCookie).toContain(`Expires=${new Date(START + 15 * MINUTE).toUTCString()}`)
  })
  await visit({ cookie: { maxAge: 10 * MINUTE } }, {}, async (browser) => {
    await browser.post('/set', { a: '1' })
    expect((await browser.get('/get')).setCookie).toBeUndefined()
  })
})

test('a cookie without expiry: the session lives for idleTimeout, a day by default', async () => {
  await visit({}, {}, async (browser) => {
    await browser.post('/set', { a: '1' })
    at(24 * 60 * MINUTE - 1)
    expect((await browser.copy().get('/get')).body).toMatchObject({ a: '1' })
  })
  await visit({}, { idleTimeout: '5m' }, async (browser) => {
    await browser.post('/set', { a: '1' })
    at(5 * MINUTE)
    expect((await browser.get('/get')).body).not.toHaveProperty('a')
  })
})

test('absoluteTimeout ends a session, however often it is used', async () => {
  await visit({ cookie: { maxAge: 10 * MINUTE } }, { absoluteTimeout: '15m' }, async (browser) => {
    await browser.post('/set', { a: '1' })
    at(9 * MINUTE)
    await browser.post('/set', { a: '2' })
    at(15 * MINUTE - 1)
    expect((await browser.copy().get('/get')).body).toMatchObject({ a: '2' })
    at(15 * MINUTE)
    expect((await browser.get('/get')).body).not.toHaveProperty('a')
  })
})

test('an app changes maxAge for one session: longer, shorter, and to 0', async () => {
  await visit({ cookie: { maxAge: 10 * MINUTE } }, {}, async (browser, store) => {
    await browser.post('/set', { a: '1' })
    await browser.post('/remember', { ms: String(60 * MINUTE) })
    at(50 * MINUTE)
    expect((await browser.get('/get')).body).toMatchObject({ a: '1' })
    await browser.post('/remember', { ms: String(MINUTE) })
    at(51 * MINUTE - 1)
    expect((await browser.copy().get('/get')).body).toMatchObject({ a: '1' })
    await browser.post('/remember', { ms: '0' })
    expect(await store.length()).toBe(0)
  })
})

test('a fixed expiry does not slide; touch does not change it', async () => {
  const cookie = { originalMaxAge: null, expires: new Date(START + 5 * MINUTE).toJSON(), path: '/' }
  await visit({}, {}, async (_browser, store) => {
    await store.set('fixed', { cookie, a: 1 } as never)
    at(4 * MINUTE)
    await store.touch('fixed', (await store.get('fixed'))!)
    expect(await store.get('fixed')).toMatchObject({ cookie, a: 1 })
    at(5 * MINUTE)
    expect(await store.get('fixed')).toBeNull()
  })
})

test('the stored cookie has only what does not change by itself', () => {
  const cookie = { originalMaxAge: 60_000, expires: '2030-01-01T00:01:00.000Z', httpOnly: true, path: '/' }
  const stored = dataOf({ cookie, a: 1 }, undefined)
  expect(stored).toEqual({ cookie: { originalMaxAge: 60_000, httpOnly: true, path: '/' }, a: 1 })
  expect(dataOf({ cookie: { ...cookie, originalMaxAge: 59_999 }, a: 1 }, stored['cookie'])).toEqual(stored)
  expect(cookieOf(stored, START)).toEqual({ ...cookie, expires: '2030-01-01T00:00:00.000Z' })
  expect(lifeOf(stored)).toEqual({ idleTimeout: 60_000 })
  expect(lifeOf({ cookie: { originalMaxAge: -1 } })).toEqual({ idleTimeout: 0, until: 0 })
  expect(lifeOf({ cookie: { originalMaxAge: null, expires: 'never' } })).toEqual({})
})

/** Values of every kind that an app may put into a session. */
const values = fc.oneof(
  fc.anything({ withDate: true, withMap: true, withNullPrototype: true, withBoxedValues: true, withTypedArray: true }),
  fc.constantFrom<unknown>(-0, Number.NaN, Infinity, undefined, null, '', () => 1, Symbol('s'), {
    toJSON: () => undefined,
  }),
)

test('the stored data of any session is what JSON makes of it', () => {
  const keys = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', '1', 'a'))
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, values)), (entries) => {
      const any: object = Object.assign(Object.fromEntries(entries), {
        cookie: { path: '/', originalMaxAge: null, expires: null },
      })
      // One with a method toJSON may be anything, see below.
      fc.pre(typeof (any as { toJSON?: unknown }).toJSON !== 'function')
      const expected = JSON.parse(JSON.stringify(any)) as { cookie: unknown }
      const first = dataOf(any, undefined)
      expect(first).toEqual(expected)
      // The second time with the cookie as it was stored.
      const again = dataOf(any, first['cookie'])
      expect(again).toEqual(expected)
      expect(Object.keys(again)).toEqual(Object.keys(expected))
    }),
    { numRuns: 2000, seed: 20260101 },
  )
})

test('a session with toJSON is stored as toJSON returns it, and refused if that is no object', () => {
  expect(dataOf({ cookie: { path: '/' }, toJSON: () => ({ a: 1 }) }, { path: '/' })).toEqual({
    a: 1,
    cookie: { expires: null },
  })
  for (const toJSON of [() => 1, () => [], () => undefined])
    expect(() => dataOf({ cookie: {}, toJSON }, undefined)).toThrowError(
      expect.objectContaining({ code: 'unserializable' }),
    )
})

test('a bigint, and data with a reference to itself, are refused as JSON refuses them', () => {
  const loop: Record<string, unknown> = {}
  loop['loop'] = loop
  for (const bad of [{ n: 1n }, { deep: { n: 1n } }, loop])
    expect(() => dataOf({ cookie: {}, ...bad }, undefined)).toThrow(TypeError)
})

test('two cookies are equal if their stored forms are equal', () => {
  const options = fc.record(
    {
      maxAge: fc.oneof(fc.integer({ min: 1, max: 1e9 }), fc.constant(null)),
      path: fc.constantFrom('/', '/app'),
      httpOnly: fc.boolean(),
      secure: fc.constantFrom(true, false, undefined, 'auto'),
      sameSite: fc.constantFrom('lax', 'strict', true, null, undefined),
      domain: fc.constantFrom('a.example', undefined),
      expires: fc.constantFrom(new Date(0), new Date(START), undefined),
    },
    { requiredKeys: [] },
  )
  const cookieFor = (chosen: object): object =>
    new (session.Cookie as unknown as new (options: object) => object)(chosen)
  fc.assert(
    fc.property(options, options, (one, other) => {
      const stored = dataOf({ cookie: cookieFor(one) }, undefined)['cookie']
      const now = cookieFor(other)
      const made = dataOf({ cookie: now }, stored)['cookie']
      expect(isSameCookie(now, stored)).toBe(JSON.stringify(made) === JSON.stringify(stored))
      expect(isSameCookie(cookieFor(one), stored)).toBe(true)
      expect(isSameCookie({ ...(stored as object), [VERSION]: 'v', originalExpires: new Date(0) }, stored)).toBe(true)
    }),
    { numRuns: 2000, seed: 20260101 },
  )
})
