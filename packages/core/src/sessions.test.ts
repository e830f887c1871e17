import { z } from 'zod'
import { beforeEach, describe, expect, test } from 'vitest'
import { heldStore, type HeldStore } from '../test/held-store.ts'
import { createSessions, type BaseOptions, type Seal, type Serializer, type SessionsEvents } from './index.ts'
import { bindingOf } from './binding.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let store: HeldStore
let now: number

beforeEach(() => {
  now = 1_800_000_000_000
  store = heldStore()
})

const clock = (): number => now
const open = (options: Partial<BaseOptions> = {}) => createSessions({ store, clock, ...options })

async function stored(sessions = open(), data: Record<string, unknown> = { theme: 'dark' }): Promise<string> {
  const session = await sessions.load(undefined)
  session.data = data
  return (await session.commit()).cookieValue!
}

describe('bad options', () => {
  test.each([
    ['idleTimeout', { idleTimeout: '30x' }],
    ['idleTimeout', { idleTimeout: 0 }],
    ['idleTimeout', { idleTimeout: -5 }],
    ['idleTimeout', { idleTimeout: NaN }],
    ['idleTimeout', { idleTimeout: '2d', absoluteTimeout: '1d' }],
    ['absoluteTimeout', { absoluteTimeout: 'soon' }],
    ['absoluteTimeout', { absoluteTimeout: Infinity }],
    ['touchAfter', { touchAfter: '30m' }],
    ['touchAfter', { touchAfter: '5 minutes' }],
    ['storeTimeout', { storeTimeout: '11s' }],
    ['pepper', { pepper: 'short' }],
    ['pepper', { pepper: ['a'.repeat(16), 'short'] }],
    ['pepper', { pepper: undefined }],
    ['pepper', { pepper: ['a'.repeat(16), undefined] }],
    ['pepper', { pepper: false }],
    ['seal', { seal: undefined }],
    ['notBefore', { notBefore: 0 }],
    ['notBefore', { notBefore: NaN }],
    ['notBefore', { notBefore: 1_790_000_000 }],
    ['notBefore', { notBefore: new Date('soon') }],
    ['schemaVersion', { schemaVersion: 1.5 }],
    ['serializer', { serializer: [] }],
    ['onConflict', { onConflict: 'first' }],
    ['store', { store: {} }],
  ])('%s: %j fail at createSessions, by name', (name, options) => {
    expect(() => open(options as Partial<BaseOptions>)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^${name} |^${name}:`) }),
    )
  })

  test('pepper is required if the tag alone chooses the shard', () => {
    store = heldStore({ traits: { needsPepper: true } })
    expect(() => open()).toThrow(expect.objectContaining({ message: expect.stringMatching(/^pepper /) }))
    expect(() => open({ pepper: ['sixteen bytes or more', false] })).toThrow(/^pepper /)
    open({ pepper: 'sixteen bytes or more' })
  })

  test.each([
    ['login', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.login('')],
    ['login', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.login('x'.repeat(1025))],
    ['login', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.login('\ud800')],
    ['login', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.login('ann', { label: 'x'.repeat(257) })],
    ['login', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.login('ann', { idleTimeout: '13h' })],
    ['regenerate', (s: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => s.regenerate({ keepOldFor: '61s' })],
  ])('of %s are refused, and nothing is called', async (_, call) => {
    const session = await open().load(await stored())
    const before = store.called()
    await expect(call(session)).rejects.toMatchObject({ code: 'invalid_option' })
    expect(store.called()).toBe(before)
  })
})

describe('load', () => {
  test.each([
    ['malformed', ['', 'x', 'a'.repeat(59), 'a'.repeat(61), `${'a'.repeat(59)}=`, 'ä'.repeat(60), 'a'.repeat(100_000)]],
    ['unknown', ['a'.repeat(60)]],
  ])('of a value that is %s gives a new session, no error and no write', async (reason, values) => {
    const sessions = open()
    const reasons: string[] = []
    sessions.on('rejected', (event) => reasons.push(event.reason))
    for (const value of values) expect((await sessions.load(value)).status).toBe('new')
    expect(new Set(reasons)).toEqual(new Set([reason]))
    expect(store.calls.every(({ step }) => step.method === 'read')).toBe(true)
  })

  test('of a right handle with a wrong secret gives a new session, and an event without the secret', async () => {
    const sessions = open()
    const events: SessionsEvents['rejected'][] = []
    sessions.on('rejected', (event) => events.push(event))
    const cookie = await stored(sessions)
    expect((await sessions.load(cookie.slice(0, 28) + 'A'.repeat(32))).status).toBe('new')
    expect(events).toEqual([{ reason: 'mismatched', handle: cookie.slice(0, 28) }])
  })

  test('adopts no tag and no id from the cookie: a created session has a key of its own', async () => {
    const sessions = open()
    const session = await sessions.load('a'.repeat(60))
    session.data.x = 1
    const { cookieValue } = await session.commit()
    expect(cookieValue).not.toContain('a'.repeat(12))
  })

  test('of anything that the store keeps opens no session', async () => {
    const sessions = open()
    const cookie = await stored(sessions)
    const text = JSON.stringify(
      [...store.records].map(([key, { payload }]) => [key, Buffer.from(payload).toString('latin1')]),
    )
    expect(text).not.toContain(cookie.slice(28))
    const digests = text.match(/[\w-]{43}/g) ?? []
    expect(digests.length).toBeGreaterThan(0)
    for (const digest of digests)
      expect((await sessions.load(cookie.slice(0, 28) + digest.slice(0, 32))).status).toBe('new')
  })

  test('makes no call without a cookie and one read with a cookie; an unchanged new session is not stored', async () => {
    const sessions = open()
    expect([await (await sessions.load(undefined)).commit(), store.called()]).toEqual([{ status: 'unchanged' }, 0])
    const cookie = await stored(sessions)
    const before = store.called()
    await (await sessions.load(cookie)).commit()
    expect(store.called() - before).toBe(1)
  })
})

describe('the lifetime of a session', () => {
  test('slides with use, at most once in a tenth of the idle timeout, never past the absolute expiry', async () => {
    const sessions = open({ idleTimeout: '30m', absoluteTimeout: '1h' })
    const cookie = await stored(sessions)
    now += 3 * MINUTE - 1
    expect((await (await sessions.load(cookie)).commit()).status).toBe('unchanged')
    now += 1
    const session = await sessions.load(cookie)
    expect([(await session.commit()).status, session.expiresAt - now]).toEqual(['touched', 30 * MINUTE])
    now += 30 * MINUTE - 1
    expect((await (await sessions.load(cookie)).commit()).status).toBe('touched')
    now += 27 * MINUTE
    expect((await sessions.load(cookie)).status).toBe('active')
    now += 1
    expect((await sessions.load(cookie)).status).toBe('new')
  })

  test('ends to the millisecond', async () => {
    const sessions = open({ idleTimeout: false, absoluteTimeout: '1s' })
    const cookie = await stored(sessions)
    now += 999
    expect((await sessions.load(cookie)).status).toBe('active')
    now += 1
    expect((await sessions.load(cookie)).status).toBe('new')
  })

  test('can be set by each login, and the cookie follows it', async () => {
    const sessions = open()
    const session = await sessions.load(undefined)
    await session.login('ann', { idleTimeout: '7d', absoluteTimeout: '30d' })
    expect([session.expiresAt - now, bindingOf(session).cookieChange]).toEqual([
      7 * 24 * HOUR,
      { action: 'set', value: expect.any(String), maxAgeMs: 30 * 24 * HOUR },
    ])
    await session.login('ann', { persistent: false })
    expect([session.expiresAt - now, bindingOf(session).cookieChange]).toEqual([
      30 * MINUTE,
      { action: 'set', value: expect.any(String) },
    ])
  })

  test('that is over at a write makes the outcome "gone"', async () => {
    const sessions = open()
    const session = await sessions.load(await stored(sessions))
    session.data.x = 1
    now += 30 * MINUTE
    expect(await session.commit()).toEqual({ status: 'gone' })
  })

  test('requireFresh throws unless the sign-in is recent', async () => {
    const session = await open().load(undefined)
    const stale = expect.objectContaining({ code: 'not_fresh' })
    expect(() => session.requireFresh('5m')).toThrow(stale)
    await session.login('ann')
    now += 5 * MINUTE
    session.requireFresh('5m')
    now += 1
    expect(() => session.requireFresh('5m')).toThrow(stale)
    await session.login('ann')
    session.requireFresh('5m')
  })
})

describe('data', () => {
  test('keeps its identity; assigning it replaces all keys; undefined deletes', async () => {
    const sessions = open()
    const session = await sessions.load(await stored(sessions, { a: 1, b: 2, c: 3 }))
    const { data } = session
    session.data = { b: 4, d: 5 }
    expect(session.data === data).toBe(true)
    data.d = undefined
    await session.commit()
    expect([data, (await sessions.load(await stored(sessions, data))).data]).toEqual([{ b: 4 }, { b: 4 }])
  })

  test('assigned on the session itself is refused with the name session.data.x', async () => {
    const session = await open().load(undefined)
    expect(() => Object.assign(session, { user: 'ann' })).toThrow('session.data.user')
  })

  test('that is changed and changed back causes no write', async () => {
    const sessions = open()
    const session = await sessions.load(await stored(sessions, { list: [1, { two: 2 }] }))
    ;(session.data.list as unknown[]).push(3)
    ;(session.data.list as unknown[]).pop()
    expect(await session.commit()).toEqual({ status: 'unchanged' })
  })

  test.each([
    ['data.when', { when: new Date(0) }],
    ['data.cart[0].qty', { cart: [{ qty: NaN }] }],
    ['data.a["b c"]', { a: { 'b c': Symbol('s') } }],
    ['data.list[1]', { list: [1, undefined] }],
    ['data.big', { big: 1n }],
    ['data.map', { map: new Map() }],
    ['data.f', { f: () => 1 }],
  ])('%s is refused before anything is written', async (path, data) => {
    const session = await open().load(undefined)
    Object.assign(session.data, data)
    await expect(session.commit()).rejects.toMatchObject({
      code: 'unserializable',
      message: expect.stringContaining(`${path} `),
    })
    expect(store.called()).toBe(0)
  })

  test('has no key whose value is undefined, at any depth', async () => {
    const sessions = open()
    const session = await sessions.load(undefined)
    session.data = { user: { name: 'Ann', email: undefined, address: { street: undefined } }, gone: undefined }
    session.flash('notice', { text: 'Saved', link: undefined })
    const { cookieValue } = await session.commit()
    const read = await sessions.load(cookieValue)
    expect(read.data).toStrictEqual({ user: { name: 'Ann', address: {} } })
    expect(read.flashed('notice')).toStrictEqual([{ text: 'Saved' }])
    await read.commit()
    // Neither is it a change.
    read.data = { user: { name: 'Ann', email: undefined, address: {} } }
    expect(await read.commit()).toEqual({ status: 'unchanged' })
  })

  test('with a reference to itself is refused', async () => {
    const session = await open().load(undefined)
    const loop: Record<string, unknown> = {}
    loop.loop = loop
    expect(() => session.flash('loop', loop)).toThrow(expect.objectContaining({ code: 'unserializable' }))
  })

  test('of any text comes back equal; names like __proto__ are data', async () => {
    const sessions = open()
    const data = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": 1, "in": {"__proto__": 2}, "text": "\\u0000\\ud800é😀"}',
    ) as Record<string, unknown>
    const session = await sessions.load(await stored(sessions, data))
    expect(Object.getPrototypeOf(session.data)).toBe(Object.prototype)
    expect(JSON.stringify(session.data)).toBe(JSON.stringify(data))
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('too large for the store is refused before anything is sent', async () => {
    store = heldStore({ traits: { maxPayloadBytes: 1000 } })
    const session = await open().load(undefined)
    session.data.x = 'x'.repeat(1000)
    await expect(session.commit()).rejects.toMatchObject({ code: 'too_large' })
    expect(store.called()).toBe(0)
  })
})

describe('flash', () => {
  test('is read once, in order, by a later request', async () => {
    const sessions = open()
    const first = await sessions.load(undefined)
    first.flash('notice', 'Saved')
    first.flash('notice', { text: 'twice' })
    const { cookieValue } = await first.commit()
    const second = await sessions.load(cookieValue)
    expect([second.flashed('notice'), second.flashed('notice'), second.flashed('other')]).toEqual([
      ['Saved', { text: 'twice' }],
      [],
      [],
    ])
    expect(await second.commit()).toEqual({ status: 'saved' })
    expect((await sessions.load(cookieValue)).flashed('notice')).toEqual([])
  })

  test('read in the request that added it is not stored', async () => {
    const session = await open().load(undefined)
    session.flash('notice', 'now')
    expect([session.flashed('notice'), await session.commit(), store.called()]).toEqual([
      ['now'],
      { status: 'unchanged' },
      0,
    ])
  })

  test('added by two requests survives from both', async () => {
    const sessions = open()
    const cookie = await stored(sessions)
    const [one, two] = [await sessions.load(cookie), await sessions.load(cookie)]
    one.flash('n', 1)
    two.flash('n', 2)
    await one.commit()
    await two.commit()
    expect((await sessions.load(cookie)).flashed('n')).toEqual([1, 2])
  })
})

describe('a subject’s sessions', () => {
  test('are listed with what a list of devices shows, without secrets', async () => {
    const sessions = open()
    const session = await sessions.load(undefined)
    const { cookieValue } = await session.login('ann', { label: 'Firefox', client: { os: 'Linux' }, persistent: false })
    now += MINUTE
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toEqual([
      {
        handle: cookieValue!.slice(0, 28),
        label: 'Firefox',
        client: { os: 'Linux' },
        createdAt: now - MINUTE,
        authenticatedAt: now - MINUTE,
        expiresAt: now + 29 * MINUTE,
        lastSeenAt: now - MINUTE,
        persistent: false,
      },
    ])
    expect(await Array.fromAsync(sessions.listSubject('bob'))).toEqual([])
  })

  test('are revoked one by one only by a call with the right subject', async () => {
    const sessions = open()
    const session = await sessions.load(undefined)
    const { cookieValue } = await session.login('ann')
    const handle = session.handle!
    expect(await sessions.revoke(handle, { subject: 'bob' })).toBe(false)
    expect(await sessions.revoke('rubbish', { subject: 'ann' })).toBe(false)
    expect((await sessions.load(cookieValue)).status).toBe('active')
    expect([
      await sessions.revoke(handle, { subject: 'ann' }),
      await sessions.revoke(handle, { anySubject: true }),
    ]).toEqual([true, false])
    expect((await sessions.load(cookieValue)).status).toBe('new')
  })

  test('are revoked all, or all but the current session', async () => {
    const sessions = open()
    const all = await Promise.all([1, 2, 3].map(() => sessions.load(undefined)))
    for (const session of all) await session.login('ann')
    expect(await sessions.revokeSubject('ann', { except: all[0]! })).toBe(2)
    expect(await sessions.revokeSubject('ann', { except: all[0]!.handle! })).toBe(0)
    expect(await sessions.revokeSubject('ann')).toBe(1)
  })

  test.each([
    ['nothing', undefined],
    ['no key', {}],
    ['a subject that is undefined', { subject: undefined }],
    ['an empty subject', { subject: '' }],
    ['both', { subject: 'ann', anySubject: true }],
    ['both, one undefined', { subject: undefined, anySubject: true }],
    ['anySubject: false', { anySubject: false }],
    ['another name', { user: 'ann' }],
  ])('revoke with %s is refused, and nothing is read', async (_, options) => {
    const sessions = open()
    const session = await sessions.load(undefined)
    const { cookieValue } = await session.login('ann')
    const before = store.called()
    await expect(sessions.revoke(session.handle!, options as { subject: string })).rejects.toMatchObject({
      code: 'invalid_option',
    })
    expect(store.called()).toBe(before)
    expect((await sessions.load(cookieValue)).status).toBe('active')
  })

  test('can be ended by an administrator: revoke with anySubject ends any session', async () => {
    const sessions = open()
    const cookieValue = await stored(sessions)
    expect(await sessions.revoke(cookieValue.slice(0, 28), { anySubject: true })).toBe(true)
    expect((await sessions.load(cookieValue)).status).toBe('new')
  })

  test('end by revoke and revokeSubject even if a newer deploy wrote them', async () => {
    const session = await open({ schemaVersion: 2 }).load(undefined)
    await session.login('ann')
    const other = await open({ schemaVersion: 2 }).load(undefined)
    await other.login('ann')
    const sessions = open()
    expect(await sessions.revoke(session.handle!, { subject: 'bob' })).toBe(false)
    expect(await sessions.revoke(session.handle!, { subject: 'ann' })).toBe(true)
    expect(await sessions.revokeSubject('ann', { except: other.handle! })).toBe(0)
    expect(await sessions.revokeSubject('ann')).toBe(1)
  })

  test('stay as they are if the except of revokeSubject names no session of theirs, which is refused', async () => {
    const sessions = open()
    const [mine, ended, anonymous, bobs, rotated] = await Promise.all(
      Array.from({ length: 5 }, () => sessions.load(undefined)),
    )
    const { cookieValue } = await mine!.login('ann')
    await ended!.login('ann')
    await ended!.logout()
    anonymous!.data = { a: 1 }
    await anonymous!.commit()
    await bobs!.login('bob')
    const before = (await rotated!.login('ann')).cookieValue
    await rotated!.regenerate()
    const elsewhere = createSessions({ store: heldStore(), clock })
    const stranger = await elsewhere.load(undefined)
    await stranger.login('ann')
    for (const except of [
      undefined,
      null,
      '',
      'rubbish',
      { session: mine },
      await sessions.load(undefined),
      ended,
      anonymous,
      bobs,
      bobs!.handle,
      await sessions.load(before),
      stranger,
      stranger.handle,
    ])
      await expect(sessions.revokeSubject('ann', { except } as never)).rejects.toMatchObject({
        code: 'invalid_option',
        message: expect.stringMatching(/^except .*nothing was revoked\. Log in first/) as string,
      })
    await expect(sessions.revokeSubject('ann', { expect: mine } as never)).rejects.toMatchObject({
      message: expect.stringMatching(/^expect is no option/) as string,
    })
    expect((await sessions.load(cookieValue)).status).toBe('active')
    expect(await sessions.revokeSubject('ann', { except: mine! })).toBe(1)
    expect((await sessions.load(cookieValue)).status).toBe('active')
  })

  test('can be spared by revokeSubject through a session object of another copy of core', async () => {
    const sessions = open()
    const { cookieValue } = await (await sessions.load(undefined)).login('ann')
    await (await sessions.load(undefined)).login('ann')
    const copy = { handle: cookieValue!.slice(0, 28), subject: 'ann' }
    expect(await sessions.revokeSubject('ann', { except: copy as never })).toBe(1)
    expect((await sessions.load(cookieValue)).status).toBe('active')
  })

  test('are found under each pepper, old peppers too', async () => {
    const [old, next] = ['the pepper of last year', 'the pepper of this year']
    await (await open({ pepper: old }).load(undefined)).login('ann')
    const sessions = open({ pepper: [next, old] })
    await (await sessions.load(undefined)).login('ann')
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toHaveLength(2)
    expect(await sessions.revokeSubject('ann')).toBe(2)
  })

  test('on a store that cannot list them: unsupported', async () => {
    const { list: _, deleteSubject: __, count: ___, ...bare } = store
    const sessions = open({ store: { ...bare, read: store.read } })
    await expect(Array.fromAsync(sessions.listSubject('ann'))).rejects.toMatchObject({ code: 'unsupported' })
    await expect(sessions.revokeSubject('ann')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(sessions.count()).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('are counted and swept', async () => {
    const sessions = open()
    for (let i = 0; i < 1100; i++) await stored(sessions)
    expect(await sessions.count()).toBe(1100)
    now += HOUR
    expect([await sessions.count(), await sessions.sweep(), store.records.size]).toEqual([0, 1100, 0])
  })
})

describe('a schema', () => {
  const schema = z.object({ theme: z.enum(['light', 'dark']).default('light'), cart: z.array(z.string()).default([]) })

  test('types and shapes the data; its defaults cause no write', async () => {
    const sessions = createSessions({ store, clock, schema })
    const session = await sessions.load(undefined)
    session.data.theme satisfies 'light' | 'dark'
    expect([session.data, await session.commit()]).toEqual([{ theme: 'light', cart: [] }, { status: 'unchanged' }])
    session.data.cart.push('book')
    const { cookieValue } = await session.commit()
    expect((await sessions.load(cookieValue)).data).toEqual({ theme: 'light', cart: ['book'] })
  })

  test('is checked before each write', async () => {
    const sessions = createSessions({ store, clock, schema })
    const session = await sessions.load(undefined)
    Object.assign(session.data, { theme: 'pink' })
    await expect(session.commit()).rejects.toMatchObject({
      code: 'invalid_data',
      message: expect.stringContaining('data.theme'),
    })
    await expect(session.update((data) => void Object.assign(data, { theme: 'pink' }))).rejects.toMatchObject({
      code: 'invalid_data',
    })
    expect(store.called()).toBe(0)
  })

  test('keeps keys that it does not know', async () => {
    const cookie = await stored(open(), { theme: 'dark', later: 1 })
    const session = await createSessions({ store, clock, schema }).load(cookie)
    expect(session.data).toEqual({ theme: 'dark', cart: [] })
    session.data.cart.push('book')
    await session.commit()
    expect((await open().load(cookie)).data).toEqual({ theme: 'dark', later: 1, cart: ['book'] })
  })

  test('that refuses {} is an option error at the first load', async () => {
    const sessions = createSessions({ store, clock, schema: z.object({ name: z.string() }) })
    await expect(sessions.load(undefined)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/^schema /),
    })
  })

  test('of a newer version migrates the data; an older version rejects and writes nothing', async () => {
    const cookie = await stored(open(), { colour: 'dark' })
    const newer = createSessions({
      store,
      clock,
      schema,
      schemaVersion: 1,
      migrate: ({ colour, ...rest }) => ({ ...rest, theme: colour }),
    })
    const session = await newer.load(cookie)
    expect(session.data.theme).toBe('dark')
    session.data.cart.push('book')
    await session.commit()
    await expect(open().load(cookie)).rejects.toMatchObject({ code: 'configuration' })
  })
})

describe('stored bytes', () => {
  const upper: Serializer = {
    name: 'upper',
    serialize: (value) => Buffer.from(JSON.stringify(value).toUpperCase()),
    deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString().toLowerCase()) as unknown,
  }
  /** Not a cipher: it shows what is bound, and that the whole envelope goes through. */
  const seal = (id: number): Seal => ({
    seal: (bytes, bound) => Buffer.concat([Buffer.from([id, bound.length]), bound, bytes.map((byte) => byte ^ 0xff)]),
    open: (bytes, bound) =>
      bytes[0] === id && Buffer.from(bytes.subarray(2, 2 + bound.length)).equals(bound)
        ? bytes.slice(2 + bound.length).map((byte) => byte ^ 0xff)
        : undefined,
  })

  test('of any configured serializer are read, and written with the first; of an unknown serializer reject', async () => {
    const cookie = await stored()
    const both = createSessions<Record<string, string>>({ store, clock, serializer: upper })
    await (await both.load(cookie)).update((data) => void (data.x = 'y'))
    expect((await both.load(cookie)).data).toEqual({ theme: 'dark', x: 'y' })
    await expect(open().load(cookie)).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('"upper"'),
    })
  })

  test('that are sealed open with the seal, on their own record', async () => {
    const sessions = open({ seal: seal(1) })
    const [cookie, other] = [await stored(sessions), await stored(sessions, { theme: 'light' })]
    expect((await sessions.load(cookie)).data).toEqual({ theme: 'dark' })
    await expect(open().load(cookie)).rejects.toMatchObject({ code: 'configuration' })
    const [a, b] = [store.records.get(cookie.slice(0, 28))!, store.records.get(other.slice(0, 28))!]
    store.records.set(cookie.slice(0, 28), { ...a, payload: b.payload })
    expect((await sessions.load(cookie)).status).toBe('new')
  })

  test('that are plain where sealing is configured are refused, unless the seal accepts plaintext', async () => {
    const cookie = await stored()
    expect((await open({ seal: seal(1) }).load(cookie)).status).toBe('new')
    expect((await open({ seal: { ...seal(1), acceptPlaintext: true } }).load(cookie)).status).toBe('active')
  })

  test('that are truncated or flipped anywhere are reported, and give a new session', async () => {
    const sessions = open()
    const cookie = await stored(sessions)
    const handle = cookie.slice(0, 28)
    const whole = store.records.get(handle)!
    const reasons = new Set<string>()
    sessions.on('rejected', ({ reason }) => reasons.add(reason))
    for (let i = 0; i < whole.payload.length; i++) {
      store.records.set(handle, { ...whole, payload: whole.payload.slice(0, i) })
      expect((await sessions.load(cookie)).status).toBe('new')
      const flipped = Uint8Array.from(whole.payload)
      flipped[i]! ^= 1 << (i % 8)
      store.records.set(handle, { ...whole, payload: flipped })
      expect((await sessions.load(cookie)).status).toBe('new')
    }
    expect(reasons).toEqual(new Set(['undecodable']))
  })
})

describe('the start of the response', () => {
  test('refuses what needs a new cookie; other writes go on, and a logout still ends the session', async () => {
    const sessions = open()
    const cookie = await stored(sessions)
    const session = await sessions.load(cookie)
    bindingOf(session).closeCookie()
    const closed = { code: 'response_started' }
    await expect(session.login('ann')).rejects.toMatchObject(closed)
    await expect(session.regenerate()).rejects.toMatchObject(closed)
    session.data.x = 1
    expect(await session.commit()).toEqual({ status: 'saved' })
    await session.logout()
    expect([bindingOf(session).cookieChange, (await sessions.load(cookie)).status]).toEqual([undefined, 'new'])
    session.data.x = 1
    await expect(session.commit()).rejects.toMatchObject(closed)
  })
})

describe('events and log', () => {
  test('contain the handle, never a secret or data', async () => {
    const lines: string[] = []
    const sessions = open({ log: (line) => lines.push(line) })
    const seen: [string, unknown][] = []
    for (const name of ['created', 'rejected', 'conflict', 'rotated', 'login', 'logout', 'revoked', 'error'] as const)
      sessions.on(name, (event) => seen.push([name, event]))
    const session = await sessions.load('bad')
    session.data.secretThing = 'x'
    const values = [(await session.commit()).cookieValue!]
    values.push((await session.login('ann')).cookieValue!)
    values.push((await session.regenerate()).cookieValue!)
    await sessions.load(values[1])
    await session.logout()
    await sessions.revokeSubject('ann')
    expect(seen.map(([name]) => name)).toEqual([
      'rejected',
      'created',
      'created',
      'login',
      'rotated',
      'rejected',
      'logout',
      'revoked',
    ])
    const text = JSON.stringify(seen) + lines.join('\n')
    for (const value of values) expect(text).not.toContain(value.slice(28))
    expect(text).not.toContain('secretThing')
    expect(lines).toEqual([
      expect.stringMatching(/^@sess: cookie malformed: ./),
      expect.stringMatching(/^@sess: cookie superseded \(session [\w-]{28}\): ./),
    ])
  })

  test('survive a listener that throws, and report it as an error event', async () => {
    const sessions = open()
    const errors: string[] = []
    const stop = sessions.on('created', () => {
      throw new Error('mine')
    })
    sessions.on('error', ({ operation }) => errors.push(operation))
    await stored(sessions)
    stop()
    await stored(sessions)
    expect(errors).toEqual(["listener of 'created'"])
  })
})

describe('needsCommit', () => {
  test('is false for a session that is new or was only read', async () => {
    const fresh = await open().load(undefined)
    expect([bindingOf(fresh).needsCommit, fresh.data, bindingOf(fresh).needsCommit]).toEqual([false, {}, false])
    const read = await open().load(await stored())
    expect([read.data, bindingOf(read).needsCommit]).toEqual([{ theme: 'dark' }, false])
  })

  test.each<[string, (session: Awaited<ReturnType<ReturnType<typeof open>['load']>>) => unknown]>([
    ['a change', (session) => (session.data['theme'] = 'light')],
    ['a message left', (session) => session.flash('notice', 'Saved')],
    ['an operation under way', (session) => void session.update(() => {})],
    ['a touch that is due', (session) => [session.status, (now += 10 * MINUTE)]],
  ])('true for %s, and false once it is committed', async (_, act) => {
    const session = await open().load(await stored())
    act(session)
    expect(bindingOf(session).needsCommit).toBe(true)
    await session.commit()
    expect(bindingOf(session).needsCommit).toBe(false)
  })

  test('is false for an unused session whose touch is due: the touch is not made', async () => {
    const session = await open().load(await stored())
    now += 10 * MINUTE
    const before = store.called()
    expect([bindingOf(session).needsCommit, await bindingOf(session).commit()]).toEqual([
      false,
      { status: 'unchanged' },
    ])
    expect(store.called()).toBe(before)
    expect(await session.commit()).toEqual({ status: 'touched' })
  })

  test('is true while the outcome of a write is unknown', async () => {
    const session = await open().load(await stored())
    session.data['theme'] = 'light'
    store.hold('replace')
    const commit = session.commit()
    for (let i = 0; i < 2; i++) {
      await store.pending(1)
      store.failAfter(0, new Error('reset'))
    }
    await expect(commit).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(bindingOf(session).needsCommit).toBe(true)
  })
})

test('a store cannot prolong a session past its absolute time', async () => {
  const sessions = open({ log: false })
  const rejected: SessionsEvents['rejected'][] = []
  sessions.on('rejected', (event) => rejected.push(event))
  const cookie = await stored(sessions)
  const key = { tag: cookie.slice(0, 12), id: cookie.slice(12, 28) }
  await store.touch(key, (await store.read(key, now))!, now + 48 * HOUR, now)
  now += 12 * HOUR - 1
  expect((await sessions.load(cookie)).status).toBe('active')
  now++
  expect((await sessions.load(cookie)).status).toBe('new')
  expect(rejected).toEqual([{ reason: 'expired', handle: cookie.slice(0, 28) }])
})
