import { describe, expect, test } from 'vitest'
import { checkOptions, checkStore } from './adapter.ts'
import { milliseconds } from './duration.ts'
import { externalIdSessions, type ExternalIdOptions } from './external-ids.ts'
import { createSessions, memoryStore, type Duration, type SessionsOptions } from './index.ts'

/** An error of this code. */
const code = (name: string): unknown => expect.objectContaining({ name: 'SessError', code: name })
const store = memoryStore()
const create = (options: unknown) => () => createSessions(options as SessionsOptions)

describe('createSessions refuses', () => {
  test.each<[what: string, options: unknown, message: RegExp]>([
    ['nothing', undefined, /^options are needed, as in createSessions\(\{ store: memoryStore\(\) \}\)$/],
    ['null', null, /^options of createSessions\(\) must be an object, and are null$/],
    ['text', 'redis://127.0.0.1', /and are text$/],
    ['a store without its name', store, /^name is no option of createSessions\(\): the name of the cookie is given/],
    ['no store', {}, /^store must be a session store, as from memoryStore\(\) .* and is undefined$/],
    ['a client for a store', { store: new Map() }, /and is a Map$/],
    ['a promise of a store', { store: Promise.resolve(store) }, /and is a promise: await it$/],
    ['a store of express-session', { store: { get() {}, destroy() {} } }, /and is a store of express-session$/],
    ['half a store', { store: { ...store, read: undefined, traits: store.traits } }, /^store must be a session store/],
    ['a misspelt option', { store, idelTimeout: '5m' }, /^idelTimeout is no option .*: there are store, idleTimeout,/],
    ['secret', { store, secret: 'x' }, /^secret is no option .*: cookies are not signed/],
    ['ttl', { store, ttl: 60 }, /^ttl is no option .*: set idleTimeout and absoluteTimeout/],
    ['maxAge', { store, maxAge: 60 }, /^maxAge is no option .*: set idleTimeout/],
    ['cookie', { store, cookie: {} }, /^cookie is no option .*: cookie options are given to the binding/],
    ['resave', { store, resave: false }, /^resave is no option .*: a session without changes is not written/],
    ['saveUninitialized', { store, saveUninitialized: false }, /: a new session is not stored before data is set/],
    ['rolling', { store, rolling: true }, /: idleTimeout slides by itself/],
    ['an unknown option without a value', { store, toString: undefined }, /^toString is no option/],
    ['persistent as text', { store, persistent: 'no' }, /^persistent must be true or false, and is text$/],
    ['a clock that is a time', { store, clock: 5 }, /^clock must be a function, and is a number$/],
    ['log: true', { store, log: true }, /^log must be a function, and is a boolean$/],
    ['a list of migrations', { store, migrate: [] }, /^migrate must be a function, and is a list$/],
    ['a key for a seal', { store, seal: 'key' }, /^seal must be a seal, .* and is text$/],
    ['a shape for a schema', { store, schema: { theme: 'text' } }, /^schema must be a Standard Schema, /],
    ['seconds', { store, idleTimeout: 30 }, /^idleTimeout is 30, .* '30m', '30s', or '30ms' if that is meant$/],
  ])('%s', (_, options, message) => {
    expect(create(options)).toThrow(code('invalid_option') as Error)
    expect(create(options)).toThrow(message)
  })
})

test('every other function of core that takes options refuses an unknown option', async () => {
  const unknown = { bogus: 1 } as object
  const sessions = createSessions({ store, log: false })
  const session = await sessions.load(undefined)
  await session.login('ann')
  const calls: readonly [of: string, call: () => unknown][] = [
    ['memoryStore()', () => memoryStore(unknown)],
    ['login()', () => session.login('ann', unknown)],
    ['regenerate()', () => session.regenerate(unknown)],
    ['revoke()', () => sessions.revoke(session.handle!, unknown as { subject: string })],
    ['revokeSubject()', () => sessions.revokeSubject('ann', unknown)],
    ['externalIdSessions()', () => externalIdSessions(unknown as ExternalIdOptions)],
  ]
  for (const [of, call] of calls)
    await expect((async () => call())(), of).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(`bogus is no option of ${of}: there `) as string,
    })
  await expect(session.login('ann', { maxAge: 5 } as object)).rejects.toThrow('set idleTimeout and absoluteTimeout')
  await expect(session.login('ann', { persistent: 'no' as unknown as boolean })).rejects.toThrow('persistent must be')
  await expect(session.login('ann', 'remember me' as unknown as object)).rejects.toThrow(
    'options of login() must be an object',
  )
  expect(session.subject).toBe('ann')
})

test('a hint of the function itself wins over the hint that all functions share', () => {
  const check = (options: object) => () =>
    checkOptions(options, 'f()', { a: true } as object, { ttl: 'call g()' } as Record<string, string>)
  expect(check({ ttl: 1 })).toThrow('ttl is no option of f(): call g()')
  expect(check({ maxAge: 1 })).toThrow('maxAge is no option of f(): set idleTimeout')
  expect(check({ b: 1 })).toThrow('b is no option of f(): there is a')
  expect(check({ constructor: 1 })).toThrow('constructor is no option of f(): there is a')
  expect(() => checkStore(store, 'cache')).not.toThrow()
})

describe('a duration', () => {
  test.each<[Duration, number]>([
    ['250ms', 250],
    ['1ms', 1],
    [1000, 1000],
    [90_000.5, 90_001],
    ['1.5s', 1500],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['14d', 1_209_600_000],
  ])('%j is %d ms', (value, ms) => {
    expect(milliseconds(value, 'x')).toBe(ms)
  })

  test.each([0.5, 1, 30, 999, 999.9])('refuses the bare number %d, which is likely meant as minutes', (value) => {
    expect(() => milliseconds(value, 'x')).toThrow(/^x is .* a bare number is milliseconds/)
    expect(() => milliseconds(value, 'x', { zero: true })).toThrow(/^x is/)
  })

  test.each<Duration>([0, '0s', '0ms'])('%j is one where it means something', (value) => {
    expect(milliseconds(value, 'x', { zero: true })).toBe(0)
    expect(() => milliseconds(value, 'x')).toThrow(/^x is .* no duration; give ms above 0/)
  })
})
