import { expect, test, vi } from 'vitest'
import { race, SetupError, type RaceOptions } from '../src/index.ts'
import { Fixture, type Behaviour } from './fixture.ts'

const requests = {
  login: '/login user={user}',
  writes: ['/set key=a&value={value}', '/set key=b&value={value}'],
  read: '/get',
  logout: '/logout',
  trials: 1,
}

/** Runs against an app that does everything right, unless it is said otherwise, and returns the refusal. */
async function refusal(options: Partial<RaceOptions>, behaviour: Behaviour = {}): Promise<SetupError> {
  await using app = await new Fixture(behaviour).start()
  const started = vi.fn<NonNullable<RaceOptions['onProgress']>>()
  const outcome = await race({ servers: app.urls, ...requests, ...options, onProgress: started }).catch(
    (error: unknown) => error,
  )
  if (!(outcome instanceof SetupError)) throw new Error(`not refused: ${JSON.stringify(outcome)}`)
  expect(started.mock.calls.filter(([{ phase }]) => phase === 'race')).toEqual([])
  expect(app.issued.filter((value) => outcome.message.includes(value))).toEqual([])
  return outcome
}

const cases: [string, Partial<RaceOptions>, string, RegExp, Behaviour?][] = [
  [
    'a login that does not work',
    { login: '/nothing user={user}' },
    'login_failed',
    /answered 200\), GET \/get does not show/,
  ],
  [
    'a --signed-in that is always there',
    { signedIn: '{' },
    'login_failed',
    /Before any login, GET \/get already shows/,
  ],
  [
    'a write that is refused',
    { writes: ['/lost?value={value}', '/set key=b&value={value}'] },
    'write_failed',
    /POST \/lost\?value=\{value\}: answered 404; check --write/,
  ],
  [
    'a write that is not shown',
    { writes: ['/nothing value={value}', '/set key=b&value={value}'] },
    'write_failed',
    /does not show the write/,
  ],
  [
    'a write that a user has to sign in for',
    { login: undefined, logout: undefined } as never,
    'write_failed',
    /answered 302, to \/login/,
    { anonymous: false },
  ],
  [
    'writes under one key',
    { writes: ['/set key=a&value={value}', '/set?key=a&value={value}'] },
    'same_key',
    /no longer shows what POST \/set had written/,
  ],
  ['a page that everybody sees', { read: '/all' }, 'not_per_session', /GET \/all shows the state of another browser/],
  ['a cookie that is not there', { cookies: ['sid'] }, 'no_cookie', /set no cookie sid; it set __Host-app/],
  ['a logout that does nothing', { logout: '/nothing' }, 'logout_failed', /GET \/get still shows a signed-in browser/],
  [
    'an --in-flight that is refused',
    { inFlight: '/lost' },
    'write_failed',
    /POST \/lost: answered 404; check --in-flight/,
  ],
  [
    'an --in-flight on the key of the last write',
    { inFlight: '/set key=b&value={value}' },
    'same_key',
    /had written is gone/,
  ],
  [
    'an --in-flight that does not store its value',
    { inFlight: '/nothing value={value}' },
    'write_failed',
    /does not show what it wrote/,
  ],
  [
    'a page without a CSRF token',
    { csrf: '/get', login: '/login user={user}&csrf={csrf}' },
    'csrf_not_found',
    /GET \/get \(answered 200\) contains no CSRF token/,
  ],
  ['a server that is not there', { servers: ['http://localhost:1'] }, 'unreachable', /ECONNREFUSED|connect/],
  [
    'a server elsewhere',
    { servers: ['http://192.0.2.1'] },
    'not_loopback',
    /192\.0\.2\.1 is not on this machine.*--allow-remote/,
  ],
]

test.for(cases)('%s', async ([, options, code, message, behaviour]) => {
  const error = await refusal(options, behaviour)
  expect(error.message).toMatch(message)
  expect(error.code).toBe(code)
})

test('servers that do not share a store are refused', async () => {
  await using one = await new Fixture().start(1)
  await using other = await new Fixture().start(1)
  const run = race({ ...requests, login: undefined, logout: undefined, servers: [...one.urls, ...other.urls] } as never)
  await expect(run).rejects.toMatchObject({ code: 'not_shared', message: expect.stringContaining(other.urls[0]!) })
})

test('a server that is not on loopback gets no request, even if its name was loopback before', async () => {
  const { lookupLoopback } = await import('../src/loopback.ts')
  const answer = await new Promise((resolve) => {
    lookupLoopback('192.0.2.7', { all: true }, (error, addresses) => resolve(error ?? addresses))
  })
  expect(answer).toMatchObject({ code: 'not_loopback' })
  const local = await new Promise((resolve) => {
    lookupLoopback('localhost', {}, (error, address) => resolve(error ?? address))
  })
  expect(['127.0.0.1', '::1']).toContain(local)
})

const remote = [
  'http://10.0.0.1',
  'https://[2001:db8::1]',
  'http://[::ffff:192.0.2.1]',
  'http://0.0.0.0',
  'http://126.255.255.255',
]
test.for(remote)('%s is not loopback', async (server) => {
  await expect(race({ ...requests, servers: [server] })).rejects.toMatchObject({ code: 'not_loopback' })
})

const local = ['http://127.200.1.9:1', 'http://[::1]:1', 'http://localhost:1', 'http://[::ffff:127.0.0.1]:1']
test.for(local)('%s is loopback', async (server) => {
  await expect(race({ ...requests, servers: [server] })).rejects.toMatchObject({ code: 'unreachable' })
})

const bad: [string, Partial<RaceOptions>, RegExp][] = [
  ['no server', { servers: [] }, /address of a server/],
  ['no URL', { servers: ['localhost:3000'] }, /'localhost:3000' is not the address/],
  ['one write', { writes: ['/set value={value}'] }, /at least twice/],
  [
    'a write that nothing would show',
    { writes: ['/set key=a', '/set key=b'] },
    /No text would show that 'POST \/set' survived/,
  ],
  ['a GET that nothing would show', { writes: ['GET /a', 'GET /b'] }, /No text would show/],
  ['too few proofs', { proofs: ['a'] }, /2 writes and 1 proofs/],
  ['a proof for two', { proofs: ['ok', 'ok'] }, /share the proof 'ok'/],
  ['a login of nobody', { login: '/login' }, /--login has no \{user\}/],
  ['a path that is none', { read: 'get' }, /--read takes \[METHOD \]PATH\[ BODY\]/],
  ['a body for GET', { read: 'GET /get a=b' }, /GET request has no body/],
  ['JSON that is none', { login: '/login {"user":{user}' }, /begins like JSON and is not/],
  ['a placeholder that nobody knows', { read: '/get?u={users}' }, /nobody knows \{users\}/],
  ['a token from nowhere', { logout: '/logout csrf={csrf}' }, /give the page with the token with --csrf/],
  ['a race that is none', { only: ['write' as never] }, /no race 'write'/],
  ['no trials', { trials: 0 }, /--trials takes a whole number from 1 to 100000/],
  ['half a trial', { trials: 1.5 }, /it was given 1\.5/],
]
test.for(bad)('%s', async ([, options, message]) => {
  await expect(race({ servers: ['http://localhost:1'], ...requests, ...options })).rejects.toMatchObject({
    code: 'bad_option',
    message: expect.stringMatching(message),
  })
})
