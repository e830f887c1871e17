import { randomBytes } from 'node:crypto'
import type { SessError, Session, Sessions, SessionsEvents } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { assert, asyncProperty, base64String, integer, nat, string } from 'fast-check'
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { aesGcmSeal, createSealedSessions, type SealedOptions } from './index.ts'

interface Data {
  theme: string
  cart: string[]
  big: string
}

const key = randomBytes(32)
const other = randomBytes(32)
const time = { now: 0 }
const clock = (): number => time.now
let sessions: Sessions<Partial<Data>>
let rejected: SessionsEvents['rejected'][]

function create(options: Partial<SealedOptions> = {}): Sessions<Partial<Data>> {
  const all = createSealedSessions<Data>({ keys: [key], clock, log: false, ...options })
  all.on('rejected', (event) => rejected.push(event))
  return all
}

beforeEach(() => {
  time.now = 1_800_000_000_000
  rejected = []
  sessions = create()
})

/** The cookie that a browser keeps: what the last response set or removed. */
function kept(session: Session<Partial<Data>>, before?: string): string | undefined {
  const change = bindingOf(session).cookieChange
  return change ? (change.action === 'set' ? change.value : undefined) : before
}

async function visit(cookie: string | undefined, act: (session: Session<Partial<Data>>) => unknown) {
  const session = await sessions.load(cookie)
  await act(session)
  const outcome = await session.commit()
  return { cookie: kept(session, cookie)!, outcome, session }
}

const code = (expected: string) => expect.objectContaining({ code: expected })

describe('a session in its cookie', () => {
  test('has no cookie until it is changed; then the cookie contains all of it, sealed', async () => {
    expect(bindingOf((await visit(undefined, () => {})).session).cookieChange).toBeUndefined()
    const first = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    expect(first.outcome).toEqual({ status: 'created', cookieValue: first.cookie })
    expect(Buffer.from(first.cookie, 'base64url').toString('latin1')).not.toContain('dark')
    const second = await sessions.load(first.cookie)
    expect([second.status, second.data, second.handle]).toEqual(['active', { theme: 'dark' }, first.session.handle])
  })

  test('changes its cookie at each write, and at no other time', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const read = await visit(cookie, ({ data }) => data.theme)
    expect([read.outcome, bindingOf(read.session).cookieChange]).toEqual([{ status: 'unchanged' }, undefined])
    const written = await visit(cookie, ({ data }) => (data.cart = ['book']))
    expect(written.outcome).toEqual({ status: 'saved', cookieValue: written.cookie })
    expect((await sessions.load(written.cookie)).data).toEqual({ theme: 'dark', cart: ['book'] })
  })

  test('may commit several times in one request, and the last cookie has all changes', async () => {
    const session = await sessions.load(undefined)
    session.data.theme = 'dark'
    await session.commit()
    session.data.cart = ['book']
    await session.commit()
    delete session.data.theme
    await session.commit()
    expect((await sessions.load(kept(session))).data).toEqual({ cart: ['book'] })
  })

  test('slides with use through a new cookie, and ends by the idle timeout', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    time.now += 60_000
    expect((await visit(cookie, () => {})).outcome.status).toBe('unchanged')
    time.now += 120_000
    const touched = await visit(cookie, () => {})
    expect(touched.outcome).toEqual({ status: 'touched', cookieValue: touched.cookie })
    time.now += 1_800_000 - 1
    expect((await sessions.load(touched.cookie)).status).toBe('active')
    expect((await sessions.load(cookie)).status).toBe('new')
    time.now += 1
    expect((await sessions.load(touched.cookie)).status).toBe('new')
    expect(rejected.map(({ reason }) => reason)).toEqual(['expired', 'expired'])
  })

  test('ends by the absolute timeout, however often it is used; Max-Age is the time left until then', async () => {
    let { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const end = time.now + 43_200_000
    while (time.now + 1_200_000 < end) {
      time.now += 1_200_000
      const visited = await visit(cookie, () => {})
      expect(bindingOf(visited.session).cookieChange).toMatchObject({ action: 'set', maxAgeMs: end - time.now })
      cookie = visited.cookie
    }
    time.now = end - 1
    expect((await sessions.load(cookie)).status).toBe('active')
    time.now = end
    expect((await sessions.load(cookie)).status).toBe('new')
  })

  test('signs in: the data stays, the clocks restart, and a cookie planted by an attacker stays anonymous', async () => {
    const planted = await visit(undefined, ({ data }) => (data.cart = ['book']))
    const login = await visit(planted.cookie, async (session) => {
      const outcome = await session.login('ann', { label: 'Firefox', persistent: false })
      expect(outcome).toEqual({ status: 'created', cookieValue: kept(session) })
    })
    const ann = await sessions.load(login.cookie)
    expect([ann.subject, ann.data, ann.authenticatedAt]).toEqual(['ann', { cart: ['book'] }, time.now])
    expect(ann.handle).not.toBe(planted.session.handle)
    expect(bindingOf(login.session).cookieChange).not.toHaveProperty('maxAgeMs')
    expect((await sessions.load(planted.cookie)).subject).toBeUndefined()
    ann.requireFresh('5m')
    time.now += 300_001
    expect(() => ann.requireFresh('5m')).toThrow(code('not_fresh'))
    await ann.login('ann')
    ann.requireFresh('5m')
  })

  test('has no data of the previous subject after another subject signs in', async () => {
    const ann = await visit(undefined, async (session) => {
      session.data.cart = ['book']
      await session.login('ann')
    })
    const bob = await visit(ann.cookie, (session) => session.login('bob'))
    expect([bob.session.subject, bob.session.data]).toEqual(['bob', {}])
    expect((await sessions.load(bob.cookie)).data).toEqual({})
  })

  test('signs out: the cookie is removed, and the object lives on as a new session for a goodbye', async () => {
    const ann = await visit(undefined, (session) => session.login('ann'))
    const out = await visit(ann.cookie, (session) => session.logout())
    expect(bindingOf(out.session).cookieChange).toEqual({ action: 'remove' })
    const bye = await visit(ann.cookie, async (session) => {
      await session.logout()
      session.flash('notice', 'Signed out')
    })
    const next = await visit(bye.cookie, (session) => expect(session.flashed('notice')).toEqual(['Signed out']))
    expect(next.session.subject).toBeUndefined()
    expect((await sessions.load(next.cookie)).flashed('notice')).toEqual([])
    const destroyed = await visit(ann.cookie, (session) => session.destroy())
    expect([destroyed.outcome, bindingOf(destroyed.session).cookieChange]).toEqual([
      { status: 'gone' },
      { action: 'remove' },
    ])
  })

  test('regenerates: the same session gets another cookie', async () => {
    const ann = await visit(undefined, (session) => session.login('ann'))
    const next = await visit(ann.cookie, async (session) => {
      session.data.theme = 'dark'
      expect(await session.regenerate()).toEqual({ status: 'saved', cookieValue: kept(session) })
    })
    expect(next.cookie).not.toBe(ann.cookie)
    expect([next.session.handle, (await sessions.load(next.cookie)).data]).toEqual([
      ann.session.handle,
      { theme: 'dark' },
    ])
  })
})

describe('an operation that needs a store', () => {
  test('throws unsupported', async () => {
    const { session, cookie } = await visit(undefined, (one) => one.login('ann'))
    const list = async (): Promise<void> => {
      for await (const info of sessions.listSubject('ann')) expect(info).toBeUndefined()
    }
    for (const call of [
      () => session.update((data) => void (data.theme = 'dark')),
      () => session.regenerate({ keepOldFor: '10s' }),
      () => sessions.revoke(session.handle!, { anySubject: true }),
      () => sessions.revoke(session.handle!, { subject: 'ann' }),
      () => sessions.revokeSubject('ann', { except: session }),
      async () => sessions.signal(session),
      () => sessions.count(),
      list,
    ])
      await expect(call()).rejects.toMatchObject({ code: 'unsupported' })
    expect([await sessions.sweep(), (await sessions.load(cookie)).data]).toEqual([0, {}])
  })

  test.each(['store', 'seal', 'maxPerSubject', 'pepper', 'onConflict', 'storeTimeout'])(
    'refuses the option %s',
    (name) => {
      expect(() => create({ [name]: undefined } as object)).toThrow(code('invalid_option'))
      expect(() => create({ [name]: undefined } as object)).toThrow('it has no effect on sessions in cookies')
    },
  )
})

describe('before the response starts', () => {
  test('a session too large for a cookie is an error, and the cookie does not change', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const session = await sessions.load(cookie)
    session.data.big = 'x'.repeat(3000)
    const errors: SessionsEvents['error'][] = []
    sessions.on('error', (event) => errors.push(event))
    await expect(session.commit()).rejects.toMatchObject({ code: 'too_large' })
    expect([bindingOf(session).cookieChange, errors.map((event) => event.code)]).toEqual([undefined, ['too_large']])
    await expect(visit(undefined, ({ data }) => (data.big = 'x'.repeat(70_000)))).rejects.toMatchObject({
      code: 'too_large',
    })
    delete session.data.big
    session.data.theme = 'light'
    expect((await session.commit()).status).toBe('saved')
  })

  test('the longest cookie value that fits has maxLength characters', async () => {
    sessions = create({ maxLength: 1000 })
    const lengthOf = async (size: number): Promise<number> =>
      (await visit(undefined, ({ data }) => (data.big = 'x'.repeat(size)))).cookie.length
    let size = 0
    while ((await lengthOf(size + 1).catch(() => 0)) > 0) size++
    expect(await lengthOf(size)).toBe(1000)
    expect(size).toBeGreaterThan(450)
    for (const maxLength of [0, 1.5, 4095]) expect(() => create({ maxLength })).toThrow(code('invalid_option'))
  })

  test('after its start a change or a logout throws response_started, and reading the session does nothing', async () => {
    const ann = await visit(undefined, (session) => session.login('ann'))
    time.now += 600_000
    const session = await sessions.load(ann.cookie)
    bindingOf(session).closeCookie()
    expect(await session.commit()).toEqual({ status: 'unchanged' })
    for (const call of [() => session.logout(), () => session.login('ann'), () => session.regenerate()])
      await expect(call()).rejects.toMatchObject({ code: 'response_started' })
    session.data.theme = 'dark'
    await expect(session.commit()).rejects.toMatchObject({ code: 'response_started' })
    expect([session.subject, bindingOf(session).cookieChange]).toEqual(['ann', undefined])
  })
})

describe('the cookie of a browser, which anybody can forge', () => {
  test('gives a new session and an event after every truncation and every flipped bit', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const bytes = Buffer.from(cookie, 'base64url')
    const values = [
      ...Array.from({ length: cookie.length - 1 }, (_, i) => cookie.slice(0, i + 1)),
      // The key's ID apart: see below.
      ...Array.from({ length: bytes.length }, (_, i) =>
        Buffer.from(bytes.map((byte, at) => (at === i && (i < 8 || i > 13) ? byte ^ (1 << (i % 8)) : byte))),
      ).map((changed) => changed.toString('base64url')),
      `${cookie}AAAA`,
      `${cookie} `,
      'x'.repeat(60),
      '%00',
      randomBytes(45).toString('base64url'),
      // Sealed with the same key, as a store's record is: no cookie.
      Buffer.concat([
        bytes.subarray(0, 8),
        aesGcmSeal({ keys: [key] }).seal(Buffer.alloc(500), bytes.subarray(0, 8)),
      ]).toString('base64url'),
    ].filter((value) => value !== cookie)
    for (const value of values) expect((await sessions.load(value)).status, value).toBe('new')
    expect(rejected).toHaveLength(values.length)
    expect(new Set(rejected.map(({ reason }) => reason))).toEqual(new Set(['malformed', 'undecodable']))
  })

  test('gives a new session for any value, or an error that says that a key is missing', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const bytes = Buffer.from(cookie, 'base64url')
    const loadAny = async (value: string): Promise<void> => {
      if (value === cookie) return
      try {
        expect((await sessions.load(value)).status).toBe('new')
      } catch (error) {
        expect(error).toMatchObject({ code: 'configuration' })
      }
    }
    await assert(asyncProperty(string({ maxLength: 5000 }), loadAny))
    await assert(asyncProperty(base64String({ maxLength: 400 }), (text) => loadAny(text.replace(/[+/=]/g, '-'))))
    await assert(
      asyncProperty(nat(bytes.length - 1), integer({ min: 1, max: 255 }), nat(bytes.length), (at, change, cut) => {
        const changed = Buffer.from(bytes)
        changed[at]! ^= change
        return loadAny(changed.subarray(0, Math.max(cut, at + 1)).toString('base64url'))
      }),
    )
  })

  test('is a configuration error under unknown keys, until it has certainly expired', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const others = create({ keys: [other] })
    const error = await others.load(cookie).catch((thrown: unknown) => thrown as SessError)
    expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining('add this key') })
    time.now += 43_200_000
    expect((await others.load(cookie)).status).toBe('new')
    expect(rejected).toEqual([{ reason: 'expired' }])
  })

  test('opens no session and causes no error if its key was revoked by ID', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const { keyIds } = aesGcmSeal({ keys: [key] })
    expect((await create({ keys: [other], revokedKeyIds: keyIds }).load(cookie)).status).toBe('new')
    expect(rejected).toEqual([{ reason: 'undecodable' }])
  })

  test('stays valid while keys rotate', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    const prepared = create({ keys: [key, other] })
    const switched = create({ keys: [other, key] })
    const finished = create({ keys: [other] })
    expect((await prepared.load(cookie)).data.theme).toBe('dark')
    const session = await switched.load(cookie)
    session.data.theme = 'light'
    await session.commit()
    for (const all of [prepared, switched, finished]) expect((await all.load(kept(session))).data.theme).toBe('light')
  })

  test('of a newer schema rejects, of an older schema is migrated', async () => {
    sessions = create({ schemaVersion: 1 })
    const { cookie } = await visit(undefined, ({ data }) => (data.theme = 'dark'))
    await expect(create().load(cookie)).rejects.toMatchObject({ code: 'configuration' })
    const newer = create({ schemaVersion: 2, migrate: (data) => ({ ...data, cart: [] }) })
    expect((await newer.load(cookie)).data).toEqual({ theme: 'dark', cart: [] })
  })
})

describe('the limits of sealed cookies:', () => {
  test('of two simultaneous requests the cookie that arrives last wins, and the other change is lost', async () => {
    const { cookie } = await visit(undefined, ({ data }) => (data.cart = []))
    const [one, two] = [await sessions.load(cookie), await sessions.load(cookie)]
    one.data.theme = 'dark'
    two.data.cart = ['book']
    await one.commit()
    await two.commit()
    expect((await sessions.load(kept(two))).data).toEqual({ cart: ['book'] })
  })

  test('a request in flight at a logout can bring the session back', async () => {
    const { cookie } = await visit(undefined, (session) => session.login('ann'))
    const [slow, out] = [await sessions.load(cookie), await sessions.load(cookie)]
    await out.logout()
    slow.data.theme = 'dark'
    expect((await slow.commit()).status).toBe('saved')
    expect((await sessions.load(kept(slow))).subject).toBe('ann')
  })
})

test('createSealedSessions returns the type of sessions without the operations that need a store', () => {
  const cases = [
    () => {
      expectTypeOf(createSealedSessions<Data>({ keys: [key] })).toExtend<Sessions<Partial<Data>>>()
    },
    async () => {
      const sessions = createSealedSessions<Data>({ keys: [key] })
      const session = await sessions.load(undefined)
      await session.regenerate()
      // @ts-expect-error nothing to compare with
      session.update(() => {})
      // @ts-expect-error a copy of the old cookie opens anyway
      void session.regenerate({ keepOldFor: '5s' })
      // @ts-expect-error nobody has the sessions
      sessions.listSubject('ann')
      // @ts-expect-error nor one of them
      sessions.revoke('handle', { anySubject: true })
      // @ts-expect-error
      sessions.revokeSubject('ann')
      // @ts-expect-error
      sessions.count()
    },
    // @ts-expect-error a Date does not survive JSON
    () => createSealedSessions<{ at: Date }>({ keys: [key] }),
    // @ts-expect-error there is no store
    () => createSealedSessions<Data>({ keys: [key], store: undefined }),
  ]
  expectTypeOf(cases).not.toBeAny()
})
